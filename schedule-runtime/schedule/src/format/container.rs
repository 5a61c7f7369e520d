//! Sections in a file: tags, places, checksums and the digest.

use super::bytes::{Reader, Write};
use super::{ABOUT, COVERED, FormatError, MAGIC, PROOF, VERSION};
use crate::Digest;
use sha2::Digest as _;
use std::ops::Range;

const ALIGNMENT: usize = 64;
const HEADER: usize = 64;
const ENTRY: usize = 32;
const CHECKSUM_AT: usize = 24;
const OPTIONAL: u32 = 1;

/// A section to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    pub tag: &'static str,
    pub optional: bool,
    pub bytes: Vec<u8>,
}

/// The digest of sections, given in order.
pub(super) fn digest_of<'a>(sections: impl Iterator<Item = (&'a str, &'a [u8])>) -> Digest {
    let mut hash = sha2::Sha256::new();
    for (name, bytes) in sections {
        hash.update(tag(name));
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Digest(hash.finalize().into())
}

pub(super) fn write(digest: Digest, sections: &[&Section]) -> Vec<u8> {
    let mut file = vec![];
    file.extend(MAGIC);
    file.u32(VERSION);
    file.count(sections.len());
    file.u64(0);
    file.u32(0);
    file.u32(0);
    file.extend(digest.0);
    let mut end = HEADER + ENTRY * sections.len();
    for section in sections {
        let offset = end.next_multiple_of(ALIGNMENT);
        file.extend(tag(section.tag));
        file.u32(if section.optional { OPTIONAL } else { 0 });
        file.u32(crc32fast::hash(&section.bytes));
        file.u64(offset as u64);
        file.u64(section.bytes.len() as u64);
        end = offset + section.bytes.len();
    }
    for section in sections {
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(&section.bytes);
    }
    let length = file.len() as u64;
    file[16..24].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&file);
    file[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_le_bytes());
    file
}

/// A file whose length, checksums, places and digest hold.
pub(super) struct Container<'a> {
    pub digest: Digest,
    sections: Vec<(String, &'a [u8])>,
}

impl<'a> Container<'a> {
    pub fn read(file: &'a [u8]) -> Result<Self, FormatError> {
        let (count, digest) = header(file)?;
        let mut entries = Reader::new("header", &file[HEADER..]);
        let mut sections: Vec<(String, &[u8])> = vec![];
        let mut end = HEADER + ENTRY * count;
        for entry in 0..count {
            let (name, place) = self::entry(file, &mut entries, entry, end)?;
            end = place.end;
            sections.push((name, &file[place]));
        }
        let fault = |entry, what| Err(FormatError::Layout { entry, what });
        if end != file.len() {
            return fault(count, "bytes follow the last section");
        }
        let mut tags: Vec<&str> = sections.iter().map(|section| section.0.as_str()).collect();
        tags.sort_unstable();
        if tags.windows(2).any(|pair| pair[0] == pair[1]) {
            return fault(count, "a tag stands twice");
        }
        let container = Self { digest, sections };
        container.check_digest()?;
        Ok(container)
    }

    pub fn section(&self, tag: &'static str) -> Result<&'a [u8], FormatError> {
        self.optional_section(tag).ok_or(FormatError::MissingSection { section: tag })
    }

    pub fn optional_section(&self, tag: &str) -> Option<&'a [u8]> {
        self.sections.iter().find(|section| section.0 == tag).map(|section| section.1)
    }

    fn check_digest(&self) -> Result<(), FormatError> {
        let sections: Vec<_> =
            COVERED.iter().map(|tag| Ok((*tag, self.section(tag)?))).collect::<Result<_, FormatError>>()?;
        let found = digest_of(sections.into_iter());
        if found == self.digest {
            return Ok(());
        }
        Err(FormatError::Digest { found: found.to_string(), expected: self.digest.to_string() })
    }
}

/// The number of sections and the digest of a file that is as long and has the checksum that it says.
fn header(file: &[u8]) -> Result<(usize, Digest), FormatError> {
    let begin = &file[..file.len().min(MAGIC.len())];
    if begin != &MAGIC[..begin.len()] || begin.is_empty() {
        let expected = MAGIC.escape_ascii().to_string();
        return Err(FormatError::Magic {
            found: format!("`{}`", begin.escape_ascii()),
            expected: format!("`{expected}`"),
        });
    }
    if file.len() < HEADER {
        return Err(FormatError::Length { found: file.len() as u64, expected: HEADER as u64 });
    }
    let mut header = Reader::new("header", &file[MAGIC.len()..HEADER]);
    let (version, count, length) = (header.u32()?, header.u32()? as usize, header.u64()?);
    if version != VERSION {
        return Err(FormatError::Version { found: version });
    }
    if length != file.len() as u64 {
        return Err(FormatError::Length { found: file.len() as u64, expected: length });
    }
    let (found, expected) = (checksum(file), header.u32()?);
    if found != expected {
        return Err(FormatError::Checksum { found, expected });
    }
    let reserved = header.u32()?;
    let digest = Digest(header.take(32)?.try_into().expect("as many bytes as were taken"));
    if reserved != 0 {
        return Err(FormatError::Layout { entry: 0, what: "reserved bytes are not 0" });
    }
    if count > (file.len() - HEADER) / ENTRY {
        return Err(FormatError::Layout { entry: count, what: "the list is longer than the file" });
    }
    Ok((count, digest))
}

/// The tag and the place of a section that must be the first after `end`.
fn entry(
    file: &[u8],
    entries: &mut Reader<'_>,
    entry: usize,
    end: usize,
) -> Result<(String, Range<usize>), FormatError> {
    let fault = |what| FormatError::Layout { entry, what };
    let name = name(entries.take(8)?).ok_or(fault("a tag is not ASCII letters filled with 0"))?;
    let (flags, expected) = (entries.u32()?, entries.u32()?);
    let (offset, length) = (entries.u64()?, entries.u64()?);
    let known = COVERED.contains(&name.as_str()) || name == ABOUT || name == PROOF;
    if flags > OPTIONAL || (known && flags != u32::from(name == PROOF)) {
        return Err(fault("flags are not those of its section"));
    }
    if !known && flags != OPTIONAL {
        return Err(FormatError::UnknownSection { section: name });
    }
    let start = end.next_multiple_of(ALIGNMENT);
    if offset != start as u64 {
        return Err(fault("a section does not begin where it should"));
    }
    let place = usize::try_from(length).ok().and_then(|length| Some(start..start.checked_add(length)?));
    let place =
        place.filter(|place| place.end <= file.len()).ok_or(fault("a section reaches beyond the file"))?;
    if file[end..start].iter().any(|byte| *byte != 0) {
        return Err(fault("the gap before a section is not 0"));
    }
    let found = crc32fast::hash(&file[place.clone()]);
    if found != expected {
        return Err(FormatError::SectionChecksum { section: name, found, expected });
    }
    Ok((name, place))
}

fn tag(name: &str) -> [u8; 8] {
    let mut tag = [0; 8];
    tag[..name.len()].copy_from_slice(name.as_bytes());
    tag
}

fn name(tag: &[u8]) -> Option<String> {
    let length = tag.iter().position(|byte| *byte == 0).unwrap_or(tag.len());
    let (name, filler) = tag.split_at(length);
    let valid = length > 0 && name.iter().all(u8::is_ascii_graphic) && filler.iter().all(|byte| *byte == 0);
    valid.then(|| String::from_utf8_lossy(name).into_owned())
}

fn checksum(file: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&file[..CHECKSUM_AT]);
    hasher.update(&[0; 4]);
    hasher.update(&file[CHECKSUM_AT + 4..]);
    hasher.finalize()
}
