// `sum ← sum + y` and `x ← x / count`.
KERNEL(add_$A, { u64 n; $A *sum; const $A *y; }) {
    EACH(i, a.n) a.sum[i] = a.sum[i] + a.y[i];
}
KERNEL(divide_$A, { u64 n; $A *x; f64 count; }) {
    EACH(i, a.n) a.x[i] = a.x[i] / ($A)a.count;
}
