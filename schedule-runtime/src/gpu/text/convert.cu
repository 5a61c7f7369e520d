// `target ← x`.
KERNEL(convert_$S_$T, { u64 n; $T *target; const $S *x; }) {
    EACH(i, a.n) a.target[i] = write_$T(($A)read_$S(a.x[i]));
}
