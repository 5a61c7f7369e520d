//! Groups of at most 16 bits, packed one after another, the lowest bits first: eight groups fill as many bytes as one has
//! bits.

const GROUPS: usize = 8;

/// Writes groups of so many bits; the last byte is filled with zeros.
pub(super) fn pack(bytes: &mut [u8], width: u8, mut groups: impl Iterator<Item = u32>) {
    for bytes in bytes.chunks_mut(width as usize) {
        let mut packed = 0u128;
        for (at, group) in groups.by_ref().take(GROUPS).enumerate() {
            packed |= (group as u128) << (at * width as usize);
        }
        bytes.copy_from_slice(&packed.to_le_bytes()[..bytes.len()]);
    }
}

/// Fills `x` with what [`pack`] wrote.
pub(super) fn unpack<T>(bytes: &[u8], width: u8, x: &mut [T], value: impl Fn(u32) -> T) {
    let mask = (1 << width) - 1;
    for (bytes, x) in bytes.chunks(width as usize).zip(x.chunks_mut(GROUPS)) {
        let mut packed = [0; 16];
        packed[..bytes.len()].copy_from_slice(bytes);
        let packed = u128::from_le_bytes(packed);
        for (at, x) in x.iter_mut().enumerate() {
            *x = value((packed >> (at * width as usize)) as u32 & mask);
        }
    }
}
