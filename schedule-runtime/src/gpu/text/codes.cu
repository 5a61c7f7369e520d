// The nearest number of a format of 16 bits, ties to even; finite numbers stay finite.
FUNCTION u32 short_bits(f64 x, u32 fraction, u64 bias) {
    u64 bits = bits_f64(x), magnitude = bits & 0x7fffffffffffffffull, units;
    u32 sign = (u32)(bits >> 48) & 0x8000, infinite = (u32)((2 * bias + 1) << fraction);
    if (magnitude >= 0x7ff0000000000000ull)
        return sign | infinite | (magnitude > 0x7ff0000000000000ull ? 1u << (fraction - 1) : 0);
    if (magnitude >> 52 > 1023 - bias) {
        u32 shift = 52 - fraction;
        u64 even = (magnitude >> shift & 1) + (1ull << (shift - 1)) - 1;
        units = ((magnitude + even) >> shift) - ((1023 - bias) << fraction);
    } else {
        // In units of the least number; beside 2^52 there are integers only.
        f64 least = from_bits_f64(magnitude) * power_of_two((i64)(bias - 1 + fraction));
        units = bits_f64(least + power_of_two(52)) & 0xfffffffffffffull;
    }
    return sign | (u32)(units < infinite - 1 ? units : infinite - 1);
}
FUNCTION f64 short_number(u32 bits, u32 fraction, u64 bias) {
    u64 units = bits & 0x7fff, infinite = (2 * bias + 1) << fraction, magnitude;
    if (units >= infinite)
        magnitude = units == infinite ? 0x7ff0000000000000ull : 0x7ff8000000000000ull;
    else if (units >> fraction == 0)
        magnitude = bits_f64((f64)units / power_of_two((i64)(bias - 1 + fraction)));
    else
        magnitude = (units << (52 - fraction)) + ((1023 - bias) << 52);
    return from_bits_f64(magnitude | (u64)(bits >> 15) << 63);
}
FUNCTION f32 within_f32(f64 x) {
    const f32 last = from_bits_f32(0x7f7fffff);
    f32 nearest = (f32)x;
    if ((bits_f64(x) & 0x7fffffffffffffffull) >= 0x7ff0000000000000ull) return nearest;
    return nearest > last ? last : nearest < -last ? -last : nearest;
}

// Chooses the next byte of the key of the last element kept.
KERNEL(top_choose, { u64 *state; u64 *counts; u64 shift; }) {
    EACH_OF_BLOCK(only, 1) {
        u64 byte = 255, left = a.state[1];
        while (byte > 0 && a.counts[byte] < left) left -= a.counts[byte--];
        a.state[0] |= byte << a.shift;
        a.state[1] = left;
        for (byte = 0; byte < 256; ++byte) a.counts[byte] = 0;
    }
}
// From the numbers of elements above and equal in each part, where its elements go, and how many equal ones it keeps.
KERNEL(top_places, { u64 count; u64 *parts; const u64 *state; }) {
    EACH_OF_BLOCK(only, 1) {
        u64 place = 0, left = a.state[1];
        for (u64 part = 0; part < a.count; ++part) {
            u64 above = a.parts[2 * part], equal = a.parts[2 * part + 1];
            equal = equal < left ? equal : left;
            left -= equal;
            a.parts[2 * part] = place;
            a.parts[2 * part + 1] = equal;
            place += above + equal;
        }
    }
}
