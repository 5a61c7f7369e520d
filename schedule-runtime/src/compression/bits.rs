//! Groups of at most 16 bits, packed one after another, the lowest bits first, and moved by words of 32 bits.

const WORD: u32 = u32::BITS;

/// Writes groups of this number of bits; the last byte is filled with zeros.
pub(super) fn pack(bytes: &mut [u8], width: u8, groups: impl Iterator<Item = u32>) {
    let mut words = bytes.chunks_mut(size_of::<u32>());
    let mut write = |word: u32| {
        if let Some(bytes) = words.next() {
            bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
        }
    };
    let (mut waiting, mut held) = (0u64, 0);
    for group in groups {
        waiting |= (group as u64) << held;
        held += width as u32;
        if held >= WORD {
            write(waiting as u32);
            waiting >>= WORD;
            held -= WORD;
        }
    }
    if held > 0 {
        write(waiting as u32);
    }
}

/// Fills `x` with what [`pack`] wrote.
pub(super) fn unpack<T>(bytes: &[u8], width: u8, x: &mut [T], value: impl Fn(u32) -> T) {
    let mut words = bytes.chunks(size_of::<u32>()).map(|bytes| {
        let mut word = [0; size_of::<u32>()];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    });
    let mask = (1 << width) - 1;
    let (mut waiting, mut held) = (0u64, 0);
    for x in x {
        if held < width as u32 {
            waiting |= (words.next().unwrap_or(0) as u64) << held;
            held += WORD;
        }
        *x = value(waiting as u32 & mask);
        waiting >>= width;
        held -= width as u32;
    }
}
