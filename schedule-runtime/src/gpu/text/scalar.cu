// Operations of expressions in $A, as `program::scalar` says.
FUNCTION $A truth_$A(int holds) { return holds ? ($A)1 : ($A)0; }
FUNCTION $A absolute_$A($A x) { return fabs$F(x); }
FUNCTION $A floor_$A($A x) { return floor$F(x); }
FUNCTION $A square_root_$A($A x) { return sqrt$F(x); }
// Not those of the host's libm, and near them: of numbers in f32 nearly always the nearest number.
FUNCTION $A logarithm_$A($A x) { return ($A)log((f64)x); }
FUNCTION $A power_$A($A x, $A y) { return y == 2 ? x * x : ($A)pow((f64)x, (f64)y); }
FUNCTION $A minimum_$A($A x, $A y) { return x < y || y != y ? x : y; }
FUNCTION $A maximum_$A($A x, $A y) { return x > y || y != y ? x : y; }
FUNCTION $A mod_$A($A x, $A y) {
    $A remainder = fmod$F(x, y);
    return remainder < 0 ? remainder + fabs$F(y) : remainder;
}
FUNCTION $A div_$A($A x, $A y) {
    if (y < 0) {
        x = -x;
        y = -y;
    }
    return round$F((x - mod_$A(x, y)) / y);
}
FUNCTION $A random_$A($A seed, $A key) {
    return unit_$A(random_output((u64)integer((f64)seed), (u64)integer((f64)key)));
}
