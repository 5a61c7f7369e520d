//! Groups of at most 16 bits, packed one after another, the lowest bits first.

/// Writes groups of so many bits; the last byte is filled with zeros.
pub(super) fn pack(bytes: &mut [u8], width: u8, groups: impl Iterator<Item = u32>) {
    let mut bytes = bytes.iter_mut();
    let (mut waiting, mut held) = (0u64, 0);
    for group in groups {
        waiting |= (group as u64) << held;
        held += width;
        while held >= 8 {
            bytes.next().into_iter().for_each(|byte| *byte = waiting as u8);
            waiting >>= 8;
            held -= 8;
        }
    }
    bytes.next().into_iter().for_each(|byte| *byte = waiting as u8);
}

/// Reads what [`pack`] wrote.
pub(super) struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    width: u8,
    waiting: u64,
    held: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], width: u8) -> Self {
        Self { bytes: bytes.iter(), width, waiting: 0, held: 0 }
    }
}

impl Iterator for Bits<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.held < self.width {
            self.waiting |= (*self.bytes.next()? as u64) << self.held;
            self.held += 8;
        }
        let group = self.waiting & ((1 << self.width) - 1);
        self.waiting >>= self.width;
        self.held -= self.width;
        Some(group as u32)
    }
}
