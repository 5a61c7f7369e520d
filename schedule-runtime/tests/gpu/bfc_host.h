// Kernels as functions of the host, whose only thread takes the part of all: what `prelude.cu` says for NVRTC.
#include <math.h>
#define FUNCTION static inline __attribute__((unused))
#define SUBROUTINE FUNCTION
#define KERNEL(name, fields)                                                                                           \
    typedef struct fields name##_fields;                                                                               \
    static void name##_threads(const name##_fields a);                                                                 \
    const unsigned long name##_size = sizeof(name##_fields);                                                           \
    void name(const name##_fields *a) { name##_threads(*a); }                                                          \
    static void name##_threads(const name##_fields a)
#define EACH(i, n) for (u64 i = 0; i < (n); ++i)
#define EACH_OF_BLOCK(i, n) EACH(i, n)
#define SYNC()
#define ADD_ATOMICALLY(place, number) (*(place) += (number))
#define MAX_ATOMICALLY(place, number) (*(place) = *(place) > (number) ? *(place) : (number))
FUNCTION u32 bits_f32(f32 x) { union { f32 x; u32 bits; } both = {.x = x}; return both.bits; }
FUNCTION u64 bits_f64(f64 x) { union { f64 x; u64 bits; } both = {.x = x}; return both.bits; }
FUNCTION f32 from_bits_f32(u32 bits) { union { u32 bits; f32 x; } both = {.bits = bits}; return both.x; }
FUNCTION f64 from_bits_f64(u64 bits) { union { u64 bits; f64 x; } both = {.bits = bits}; return both.x; }
