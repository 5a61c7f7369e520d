//! Numbers, strings and lists as bytes; a count is checked against what is left before anything is allocated.

use super::FormatError;

/// Appends values to a section.
pub(super) trait Write {
    fn u8(&mut self, value: u8);
    fn u16(&mut self, value: u16);
    fn u32(&mut self, value: u32);
    fn u64(&mut self, value: u64);
    fn string(&mut self, value: &str);
    fn count(&mut self, count: usize);
}

impl Write for Vec<u8> {
    fn u8(&mut self, value: u8) {
        self.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.extend(value.to_le_bytes());
    }

    fn string(&mut self, value: &str) {
        self.count(value.len());
        self.extend(value.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.u32(count.try_into().expect("a list is shorter than 2^32"));
    }
}

/// Reads a section from front to back.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    section: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(section: &'static str, bytes: &'a [u8]) -> Self {
        Self { section, bytes, at: 0 }
    }

    pub fn malformed(&self, what: &'static str) -> FormatError {
        FormatError::Malformed { section: self.section, offset: self.at as u64, what }
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let taken = self.bytes[self.at..].get(..length).ok_or(self.malformed("it ends too early"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    pub fn u8(&mut self) -> Result<u8, FormatError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, FormatError> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn string(&mut self) -> Result<String, FormatError> {
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| self.malformed("a string is not UTF-8"))
    }

    /// A list whose elements take at least `least` bytes each.
    pub fn list<T>(
        &mut self,
        least: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, FormatError>,
    ) -> Result<Vec<T>, FormatError> {
        let count = self.u32()? as usize;
        if count > (self.bytes.len() - self.at) / least {
            return Err(self.malformed("a list is longer than the section"));
        }
        (0..count).map(|_| element(self)).collect()
    }

    pub fn end(&self) -> Result<(), FormatError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.malformed("bytes follow its end")) }
    }
}
