//! The container of a schedule file, written from its specification.

use sha2::Digest;

/// A tag, flags and bytes.
pub type Section = ([u8; 8], u32, Vec<u8>);

/// The sections of a file.
pub fn sections(file: &[u8]) -> Vec<Section> {
    let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
    let section = |number: usize| {
        let at = 64 + 32 * number;
        let bytes = file[u64_at(at + 16)..][..u64_at(at + 24)].to_vec();
        (file[at..at + 8].try_into().unwrap(), u32_at(at + 8), bytes)
    };
    (0..u32_at(12) as usize).map(section).collect()
}

/// A file with these sections and correct checksums and digest, written from the specification.
pub fn pack(sections: &[Section]) -> Vec<u8> {
    let mut digest = sha2::Sha256::new();
    for covered in ["program", "weights", "rounds", "tables"] {
        for (tag, _, bytes) in sections.iter().filter(|(tag, _, _)| tag.starts_with(covered.as_bytes())) {
            digest.update(tag);
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        }
    }
    let (mut entries, mut body) = (vec![], vec![]);
    let start = 64 + 32 * sections.len();
    for (tag, flags, bytes) in sections {
        body.resize((start + body.len()).next_multiple_of(64) - start, 0);
        entries.extend(tag);
        entries.extend(flags.to_le_bytes());
        entries.extend(crc32fast::hash(bytes).to_le_bytes());
        entries.extend(((start + body.len()) as u64).to_le_bytes());
        entries.extend((bytes.len() as u64).to_le_bytes());
        body.extend(bytes);
    }
    let mut file = b"\x89BFC\r\n\x1a\n".to_vec();
    file.extend(3u32.to_le_bytes());
    file.extend((sections.len() as u32).to_le_bytes());
    file.extend(((start + body.len()) as u64).to_le_bytes());
    file.extend([0; 8]);
    file.extend(digest.finalize());
    file.extend(entries);
    file.extend(body);
    seal(&mut file);
    file
}

/// Sets the checksum of the whole file.
pub fn seal(file: &mut [u8]) {
    file[24..28].fill(0);
    let checksum = crc32fast::hash(file);
    file[24..28].copy_from_slice(&checksum.to_le_bytes());
}
