// The places of the rows with the largest norms; of equal ones the first. What is not a number comes last or first, by its sign.
FUNCTION i64 order_of(f64 x) {
    i64 bits = (i64)bits_f64(x);
    return bits ^ (i64)((u64)(bits >> 63) >> 1);
}
KERNEL(largest_rows, { u64 rows; const f64 *norms; u64 rank; u64 *largest; }) {
    EACH_OF_BLOCK(only, 1) {
        for (u64 k = 0; k < a.rank; ++k) {
            u64 best = a.rows;
            for (u64 row = 0; row < a.rows; ++row) {
                int is_taken = 0;
                for (u64 before = 0; before < k; ++before) is_taken |= a.largest[before] == row;
                if (!is_taken && (best == a.rows || order_of(a.norms[row]) > order_of(a.norms[best]))) best = row;
            }
            a.largest[k] = best;
        }
    }
}

// Makes of a direction what is new beside an orthonormal basis, with norm 1 (Gram and Schmidt, twice over); whether anything is.
SUBROUTINE int orthonormal(f64 *direction, u64 n, const f64 *basis, u64 count, u64 stride) {
    f64 norm = sqrt(dot_of_f64_f64(direction, direction, n));
    for (u64 turn = 0; turn < 2 * count; ++turn) {
        const f64 *other = basis + turn % count * stride;
        f64 along = dot_of_f64_f64(direction, other, n);
        for (u64 i = 0; i < n; ++i) direction[i] = direction[i] - along * other[i];
    }
    f64 left = sqrt(dot_of_f64_f64(direction, direction, n));
    if (left <= norm * 1e-9) return 0;
    for (u64 i = 0; i < n; ++i) direction[i] = direction[i] / left;
    return 1;
}
