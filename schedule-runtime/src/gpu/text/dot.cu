// Each of the eight sums of each block of 4,096 products.
KERNEL(dot_$S_$T, { u64 n; const $S *x; const $T *y; f64 *lanes; }) {
    EACH(lane, (a.n + 4095) / 4096 * 8) {
        u64 begin = lane / 8 * 4096, end = begin + 4096 < a.n ? begin + 4096 : a.n;
        f64 sum = 0;
        for (u64 i = begin + lane % 8; i < end; i += 8) sum = sum + (f64)read_$S(a.x[i]) * (f64)read_$T(a.y[i]);
        a.lanes[lane] = sum;
    }
}
