// Codecs of vectors of $A. Arithmetic between vector and code is in f64.
KERNEL(cast_bf16_$A, { u64 n; const $A *x; u8 *code; }) {
    EACH(i, a.n) put(a.code + 2 * i, short_bits((f64)a.x[i], 7, 127), 2);
}
KERNEL(cast_f16_$A, { u64 n; const $A *x; u8 *code; }) {
    EACH(i, a.n) put(a.code + 2 * i, short_bits((f64)a.x[i], 10, 15), 2);
}
KERNEL(cast_f32_$A, { u64 n; const $A *x; u8 *code; }) {
    EACH(i, a.n) put_f32(a.code + 4 * i, within_f32((f64)a.x[i]));
}
KERNEL(uncast_bf16_$A, { u64 n; const u8 *code; $A *x; }) {
    EACH(i, a.n) a.x[i] = ($A)short_number((u32)get(a.code + 2 * i, 2), 7, 127);
}
KERNEL(uncast_f16_$A, { u64 n; const u8 *code; $A *x; }) {
    EACH(i, a.n) a.x[i] = ($A)short_number((u32)get(a.code + 2 * i, 2), 10, 15);
}
KERNEL(uncast_f32_$A, { u64 n; const u8 *code; $A *x; }) {
    EACH(i, a.n) a.x[i] = ($A)get_f32(a.code + 4 * i);
}

// The largest magnitude, by its bits: what is not a number comes above all others.
KERNEL(largest_$A, { u64 n; const $A *x; u64 *largest; }) {
    u64 largest = 0;
    EACH(i, a.n) {
        u64 bits = bits_f64((f64)fabs$F(a.x[i]));
        largest = bits > largest ? bits : largest;
    }
    MAX_ATOMICALLY(a.largest, largest);
}

// One of evenly spaced levels. Each thread makes a byte of the code, from the levels that reach into it.
FUNCTION u32 level_$A($A x, f64 scale, f64 top, u64 is_drawn, u64 stream, u64 i) {
    const f64 far = 6755399441055744.0;
    f64 exact = scale == 0.0 ? 0.0 : (f64)x / scale * top;
    if (!is_drawn) return (u32)(u64)integer((exact + far) - far + top);
    u32 level = (u32)(u64)integer(exact + unit_f64(random_output(stream, i)) + top), last = (u32)(2 * top);
    return level < last ? level : last;
}
KERNEL(quantize_$A, { u64 n; const $A *x; u8 *code; const u64 *largest; u64 bits; u64 is_drawn; u64 stream; }) {
    f64 scale = from_bits_f64(*a.largest), top = (f64)((1u << (a.bits - 1)) - 1);
    EACH(i, 1) put_$A(a.code, ($A)scale);
    EACH(byte, (a.n * a.bits + 7) / 8) {
        u32 packed = 0;
        for (u64 i = 8 * byte / a.bits; i < a.n && i * a.bits < 8 * byte + 8; ++i) {
            u32 level = level_$A(a.x[i], scale, top, a.is_drawn, a.stream, i);
            i64 shift = (i64)(i * a.bits) - (i64)(8 * byte);
            packed |= shift < 0 ? level >> -shift : level << shift;
        }
        a.code[sizeof($A) + byte] = (u8)packed;
    }
}
KERNEL(unquantize_$A, { u64 n; const u8 *code; $A *x; u64 bits; }) {
    f64 scale = (f64)get_$A(a.code), top = (f64)((1u << (a.bits - 1)) - 1);
    const u8 *levels = a.code + sizeof($A);
    EACH(i, a.n) {
        u64 from = i * a.bits, bytes = (from % 8 + a.bits + 7) / 8;
        u32 level = (u32)(get(levels + from / 8, (u32)bytes) >> from % 8) & ((1u << a.bits) - 1);
        a.x[i] = ($A)(scale * (((f64)level - top) / top));
    }
}

// Signs and the mean magnitude.
KERNEL(magnitudes_$A, { u64 n; const $A *x; f64 *lanes; }) {
    EACH(lane, (a.n + 4095) / 4096 * 8) {
        u64 begin = lane / 8 * 4096, end = begin + 4096 < a.n ? begin + 4096 : a.n;
        f64 sum = 0;
        for (u64 i = begin + lane % 8; i < end; i += 8) sum = sum + (f64)fabs$F(a.x[i]);
        a.lanes[lane] = sum;
    }
}
KERNEL(sign_$A, { u64 n; const $A *x; u8 *code; const f64 *sum; }) {
    EACH(i, 1) put_$A(a.code, ($A)(*a.sum / (f64)a.n));
    EACH(byte, (a.n + 7) / 8) {
        u32 packed = 0;
        for (u64 bit = 0; bit < 8 && 8 * byte + bit < a.n; ++bit) packed |= (u32)(a.x[8 * byte + bit] < 0) << bit;
        a.code[sizeof($A) + byte] = (u8)packed;
    }
}
KERNEL(unsign_$A, { u64 n; const u8 *code; $A *x; }) {
    $A mean = get_$A(a.code);
    EACH(i, a.n) a.x[i] = a.code[sizeof($A) + i / 8] >> i % 8 & 1 ? -mean : mean;
}

// The elements of the largest magnitude: the key of the last one kept is found byte by byte, from the highest. `state` is what
// is known of that key, and how many of the elements that begin like it are still to be kept.
FUNCTION u64 key_$A($A x) { return bits_$A(fabs$F(x)); }
KERNEL(top_count_$A, { u64 n; const $A *x; const u64 *state; u64 *counts; u64 shift; }) {
    EACH(i, a.n) {
        u64 key = key_$A(a.x[i]);
        if ((key ^ a.state[0]) >> a.shift < 256) ADD_ATOMICALLY(&a.counts[key >> a.shift & 255], 1ull);
    }
}
KERNEL(top_parts_$A, { u64 n; const $A *x; const u64 *state; u64 *parts; }) {
    EACH(part, (a.n + 1023) / 1024) {
        u64 above = 0, equal = 0;
        for (u64 i = part * 1024; i < a.n && i < part * 1024 + 1024; ++i) {
            u64 key = key_$A(a.x[i]);
            above += key > a.state[0];
            equal += key == a.state[0];
        }
        a.parts[2 * part] = above;
        a.parts[2 * part + 1] = equal;
    }
}
KERNEL(top_write_$A, { u64 n; const $A *x; const u64 *state; const u64 *parts; u64 count; u8 *code; u64 width; }) {
    EACH(part, (a.n + 1023) / 1024) {
        u64 place = a.parts[2 * part], equal = a.parts[2 * part + 1];
        for (u64 i = part * 1024; i < a.n && i < part * 1024 + 1024; ++i) {
            u64 key = key_$A(a.x[i]);
            if (key < a.state[0] || (key == a.state[0] && equal == 0)) continue;
            equal -= key == a.state[0];
            put_$A(a.code + place * sizeof($A), a.x[i]);
            put(a.code + a.count * sizeof($A) + place * a.width, i, (u32)a.width);
            ++place;
        }
    }
}

// Elements by their indices.
KERNEL(take_$A, { u64 count; const $A *x; const u8 *indices; u64 width; u8 *values; }) {
    EACH(k, a.count) put_$A(a.values + k * sizeof($A), a.x[get(a.indices + k * a.width, (u32)a.width)]);
}
KERNEL(scatter_$A, { u64 count; u64 n; const u8 *values; const u8 *indices; u64 width; $A *x; }) {
    EACH(k, a.count) {
        u64 i = get(a.indices + k * a.width, (u32)a.width);
        if (i < a.n) a.x[i] = get_$A(a.values + k * sizeof($A));
    }
}
