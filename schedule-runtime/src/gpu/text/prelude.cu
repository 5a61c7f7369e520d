// Numbers, and what a kernel is. Everything below the next block is C and C++ at once: NVRTC compiles it for a GPU, and in
// tests the host's compiler compiles the same text, with a header that turns threads into loops.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
typedef float f32;
typedef double f64;
typedef u16 bf16;
typedef u16 f16;

#ifdef __CUDACC_RTC__
#define FUNCTION static __device__ __forceinline__
// What is long, and called from several kernels.
#define SUBROUTINE static __device__ __noinline__
// Every field has 8 bytes, so that the caller passes words.
#define KERNEL(name, fields)                                                                                           \
    typedef struct fields name##_fields;                                                                               \
    extern "C" __global__ void name(const name##_fields a)
#define EACH(i, n)                                                                                                     \
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (u64)gridDim.x * blockDim.x)
// Over the threads of the only block, which wait for each other at SYNC.
#define EACH_OF_BLOCK(i, n) for (u64 i = threadIdx.x; i < (n); i += blockDim.x)
#define SYNC() __syncthreads()
#define ADD_ATOMICALLY(place, number) atomicAdd(place, number)
#define MAX_ATOMICALLY(place, number) atomicMax(place, number)
FUNCTION u32 bits_f32(f32 x) { return __float_as_uint(x); }
FUNCTION u64 bits_f64(f64 x) { return (u64)__double_as_longlong(x); }
FUNCTION f32 from_bits_f32(u32 bits) { return __uint_as_float(bits); }
FUNCTION f64 from_bits_f64(u64 bits) { return __longlong_as_double((i64)bits); }
#else
#include "bfc_host.h"
#endif

// 2^k, where that is normal.
FUNCTION f64 power_of_two(i64 k) { return from_bits_f64((u64)(k + 1023) << 52); }

// Storage: a number is read into what it is computed in, and rounded to the nearest, ties to even, where it is written.
FUNCTION f64 read_f64(f64 x) { return x; }
FUNCTION f32 read_f32(f32 x) { return x; }
FUNCTION f32 read_bf16(bf16 x) { return from_bits_f32((u32)x << 16); }
FUNCTION f32 read_f16(f16 x) {
    u32 sign = (u32)(x & 0x8000) << 16, units = x & 0x7fff;
    // Exponents are 112 too low, also of what is subnormal; the product is exact.
    f32 magnitude = from_bits_f32(units << 13) * from_bits_f32((u32)(112 + 127) << 23);
    u32 bits = units >= 0x7c00 ? 0x7f800000 | (units & 0x3ff) << 13 : bits_f32(magnitude);
    return from_bits_f32(sign | bits);
}
FUNCTION f64 write_f64(f64 x) { return x; }
FUNCTION f32 write_f32(f32 x) { return x; }
FUNCTION bf16 write_bf16(f32 x) {
    u32 bits = bits_f32(x);
    return x != x ? 0x7fc0 : (bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
FUNCTION f16 write_f16(f32 x) {
    u32 bits = bits_f32(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (f16)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return (f16)(sign | 0x7c00);
    // The last bit of numbers from a half to 1 counts units of the least number.
    if (magnitude < 0x38800000) return (f16)(sign | (bits_f32(from_bits_f32(magnitude) + 0.5f) - bits_f32(0.5f)));
    return (f16)(sign | (((magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13) - (112 << 10)));
}

// SplitMix64: the key-th output of a seed, and as a number in [0, 1).
FUNCTION u64 random_output(u64 seed, u64 key) {
    u64 bits = seed + (key + 1) * 0x9e3779b97f4a7c15ull;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
    return bits ^ (bits >> 31);
}
FUNCTION f64 unit_f64(u64 bits) { return (f64)(bits >> 11) / 9007199254740992.0; }
FUNCTION f32 unit_f32(u64 bits) { return (f32)(bits >> 40) / 16777216.0f; }

// The integer part, as far as 64 bits hold it; 0 of what is not a number.
FUNCTION i64 integer(f64 x) {
    if (x != x) return 0;
    if (x >= 9223372036854775808.0) return 0x7fffffffffffffffll;
    if (x < -9223372036854775808.0) return -0x7fffffffffffffffll - 1;
    return (i64)x;
}

// Bytes wherever they begin, little-endian.
FUNCTION void put(u8 *to, u64 bits, u32 bytes) {
    for (u32 byte = 0; byte < bytes; ++byte) to[byte] = (u8)(bits >> 8 * byte);
}
FUNCTION u64 get(const u8 *from, u32 bytes) {
    u64 bits = 0;
    for (u32 byte = 0; byte < bytes; ++byte) bits |= (u64)from[byte] << 8 * byte;
    return bits;
}
FUNCTION void put_f32(u8 *to, f32 x) { put(to, bits_f32(x), 4); }
FUNCTION void put_f64(u8 *to, f64 x) { put(to, bits_f64(x), 8); }
FUNCTION f32 get_f32(const u8 *from) { return from_bits_f32((u32)get(from, 4)); }
FUNCTION f64 get_f64(const u8 *from) { return from_bits_f64(get(from, 8)); }
