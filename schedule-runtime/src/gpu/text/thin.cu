// Tensors of $A as matrices by rows, the last one of which may end early, beside thin matrices in f64, column by column.
FUNCTION u64 row_$A(u64 row, u64 columns, u64 n) { return row * columns < n ? row * columns : n; }
FUNCTION u64 length_$A(u64 row, u64 columns, u64 n) { return row_$A(row + 1, columns, n) - row_$A(row, columns, n); }
KERNEL(row_norms_$A, { u64 rows; u64 columns; u64 n; const $A *x; f64 *norms; }) {
    EACH(row, a.rows) {
        const $A *own = a.x + row_$A(row, a.columns, a.n);
        a.norms[row] = dot_of_$A_$A(own, own, length_$A(row, a.columns, a.n));
    }
}
// The matrix times some of its rows.
KERNEL(times_rows_$A, { u64 rows; u64 columns; u64 n; const $A *x; u64 rank; const u64 *largest; f64 *products; }) {
    EACH(at, a.rows * a.rank) {
        u64 row = at % a.rows, other = a.largest[at / a.rows];
        u64 own = length_$A(row, a.columns, a.n), theirs = length_$A(other, a.columns, a.n);
        a.products[at] = dot_of_$A_$A(a.x + row_$A(row, a.columns, a.n), a.x + row_$A(other, a.columns, a.n),
                                      own < theirs ? own : theirs);
    }
}
// Columns in turn, without what the ones before span; 0 where nothing is new. Then they are rounded as they are sent.
KERNEL(orthonormal_$A, { u64 rows; u64 rank; f64 *columns; }) {
    EACH_OF_BLOCK(only, 1) {
        for (u64 k = 0; k < a.rank; ++k)
            if (!orthonormal(a.columns + k * a.rows, a.rows, a.columns, k, a.rows))
                for (u64 i = 0; i < a.rows; ++i) a.columns[k * a.rows + i] = 0;
        for (u64 i = 0; i < a.rank * a.rows; ++i) a.columns[i] = (f64)($A)a.columns[i];
    }
}
FUNCTION f64 along_column_$A(const $A *x, u64 rows, u64 columns, u64 n, u64 column, const f64 *left) {
    f64 sum = 0;
    for (u64 row = 0; row < rows && row * columns + column < n; ++row) sum = sum + left[row] * (f64)x[row * columns + column];
    return sum;
}
KERNEL(transposed_times_$A, { u64 rows; u64 columns; u64 n; const $A *x; u64 rank; const f64 *left; f64 *products; }) {
    EACH(at, a.columns * a.rank) {
        const f64 *left = a.left + at / a.columns * a.rows;
        a.products[at] = along_column_$A(a.x, a.rows, a.columns, a.n, at % a.columns, left);
    }
}
KERNEL(write_thin_$A, { u64 n; const f64 *numbers; u8 *code; }) {
    EACH(i, a.n) put_$A(a.code + i * sizeof($A), ($A)a.numbers[i]);
}
KERNEL(thin_product_$A, { u64 rows; u64 columns; u64 n; u64 rank; const u8 *code; $A *x; }) {
    const u8 *right = a.code + a.rows * a.rank * sizeof($A);
    EACH(i, a.n) {
        u64 row = i / a.columns, column = i % a.columns;
        f64 sum = 0;
        for (u64 k = 0; k < a.rank; ++k)
            sum = sum + (f64)get_$A(a.code + (k * a.rows + row) * sizeof($A)) * (f64)get_$A(right + (k * a.columns + column) * sizeof($A));
        a.x[i] = ($A)sum;
    }
}

// Factors of edges: the side, 0 for rows and 1 for columns, then the columns, each with room for the longer side.
KERNEL(start_$A, { u64 n; $A *factor; }) {
    EACH(i, a.n) a.factor[i] = i == 0 ? ($A)0 : ($A)(unit_f64(random_output(0, i - 1)) - 0.5);
}
// The orthonormal directions of a factor, filled up with drawn ones: how many there are, and then these.
KERNEL(basis_$A, { u64 rows; u64 columns; u64 rank; const $A *factor; f64 *basis; }) {
    u64 longer = a.rows > a.columns ? a.rows : a.columns, height = a.factor[0] != 0 ? a.columns : a.rows;
    EACH_OF_BLOCK(only, 1) {
        u64 found = 0;
        for (u64 k = 0; k < a.rank; ++k) {
            f64 *next = a.basis + 1 + found * longer;
            for (u64 i = 0; i < height; ++i) next[i] = (f64)a.factor[1 + k * longer + i];
            int is_new = orthonormal(next, height, a.basis + 1, found, longer);
            for (u64 attempt = 0; attempt < 4 && !is_new; ++attempt) {
                u64 key = (attempt * a.rank + k) << 32;
                for (u64 i = 0; i < height; ++i) next[i] = unit_f64(random_output(1, key + i)) - 0.5;
                is_new = orthonormal(next, height, a.basis + 1, found, longer);
            }
            found += is_new;
        }
        a.basis[0] = (f64)found;
    }
}
KERNEL(project_$A, { u64 rows; u64 columns; u64 n; u64 rank; const $A *x; const $A *factor; const f64 *basis; $A *into; }) {
    u64 longer = a.rows > a.columns ? a.rows : a.columns, found = (u64)a.basis[0];
    int is_across = a.factor[0] != 0;
    EACH(at, 1 + longer * a.rank) {
        u64 k = at == 0 ? a.rank : (at - 1) / longer, i = at == 0 ? 0 : (at - 1) % longer;
        const f64 *direction = a.basis + 1 + k * longer;
        f64 product = 0;
        if (at == 0)
            product = is_across ? 0 : 1;
        else if (k < found && is_across && i < a.rows)
            product = dot_of_$A_f64(a.x + row_$A(i, a.columns, a.n), direction, length_$A(i, a.columns, a.n));
        else if (k < found && !is_across && i < a.columns)
            product = along_column_$A(a.x, a.rows, a.columns, a.n, i, direction);
        a.into[at] = ($A)product;
    }
}
KERNEL(difference_$A, { u64 n; const $A *mine; const $A *theirs; u64 mine_is_higher; $A *into; }) {
    EACH(i, a.n) a.into[i] = i == 0 ? a.mine[0] : a.mine_is_higher ? a.mine[i] - a.theirs[i] : a.theirs[i] - a.mine[i];
}
KERNEL(correct_$A, { u64 rows; u64 columns; u64 n; u64 rank; $A *x; const $A *factor; const f64 *basis; const $A *difference; f64 weight; }) {
    u64 longer = a.rows > a.columns ? a.rows : a.columns, found = (u64)a.basis[0];
    int is_across = a.factor[0] != 0;
    EACH(i, a.n) {
        u64 row = i / a.columns, column = i % a.columns, own = is_across ? column : row, other = is_across ? row : column;
        f64 sum = 0;
        for (u64 k = 0; k < found; ++k)
            sum = sum + a.basis[1 + k * longer + own] * (f64)a.difference[1 + k * longer + other];
        a.x[i] = a.x[i] - ($A)(a.weight * sum);
    }
}
