// `target ← own · x + Σ_k weight_k · y_k`: one launch for all neighbours, whose vectors lie `stride` elements apart. Products
// and sums are rounded one by one, the own term first.
KERNEL(sum_$S_$T, { u64 n; $T *target; const $S *x; u64 has_own; f64 own; const $S *y; u64 stride; const f64 *weights; u64 k; }) {
    EACH(i, a.n) {
        $A sum = 0;
        u64 j = 0;
        if (a.has_own) {
            sum = ($A)a.own * read_$S(a.x[i]);
        } else if (a.k > 0) {
            sum = ($A)a.weights[0] * read_$S(a.y[i]);
            j = 1;
        }
        for (; j < a.k; ++j) sum = sum + ($A)a.weights[j] * read_$S(a.y[j * a.stride + i]);
        a.target[i] = write_$T(sum);
    }
}

// `target ← 0 + Σ_k y_k`, in order.
KERNEL(gather_$S_$T, { u64 n; $T *target; const $S *y; u64 stride; u64 k; }) {
    EACH(i, a.n) {
        $A sum = 0;
        for (u64 j = 0; j < a.k; ++j) sum = sum + read_$S(a.y[j * a.stride + i]);
        a.target[i] = write_$T(sum);
    }
}
