// `Σ_k x_k y_k` by one thread: eight sums in each block of 4,096 products, blocks added in pairs of neighbours. The stack holds
// sums of blocks, of which each is of twice as many as the next one, or more.
SUBROUTINE f64 dot_of_$S_$T(const $S *x, const $T *y, u64 n) {
    f64 stack[64], sum = 0;
    u64 depth = 0;
    for (u64 block = 0; block * 4096 < n; ++block) {
        u64 end = block * 4096 + 4096 < n ? block * 4096 + 4096 : n;
        f64 lanes[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        for (u64 i = block * 4096; i < end; ++i) lanes[i % 8] = lanes[i % 8] + (f64)x[i] * (f64)y[i];
        sum = 0;
        for (u64 lane = 0; lane < 8; ++lane) sum = sum + lanes[lane];
        for (u64 full = block; full % 2; full /= 2) sum = stack[--depth] + sum;
        stack[depth++] = sum;
    }
    if (depth > 0) sum = stack[--depth];
    while (depth > 0) sum = stack[--depth] + sum;
    return sum;
}
