//! A file that somebody changed becomes the reason for which it is not read.
//!
//! The first option of a case names the file beside it that is compiled, and `--rank N` reads the part of a rank. Each line
//! of the case is a change of the bytes, as [`change`] reads it: sections are changed with correct checksums and digest.

#[path = "../../schedule-runtime/schedule/tests/common/container.rs"]
mod container;

use crate::cases::{Case, run};
use crate::{render, verify};
use bfc_schedule::{Rank, RankSchedule, Schedule, ScheduleError};
use container::{Section, pack, seal, sections};
use miette::Report;

/// Makes the change that a line describes: `byte 8 = 7`, `byte 32 flips 1`, `cut 1`, `append 0`, `is TEXT`, `seal` for a
/// correct checksum, or a change of a section.
fn change(file: &mut Vec<u8>, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["is", ..] => *file = line["is".len()..].trim().as_bytes().to_vec(),
        ["byte", at, "=", value] => file[number(at)] = number(value) as u8,
        ["byte", at, "flips", bits] => file[number(at)] ^= number(bits) as u8,
        ["cut", count] => file.truncate(file.len() - number(count)),
        ["append", value] => file.push(number(value) as u8),
        ["seal"] => seal(file),
        ["section", name, ref rest @ ..] => {
            let mut parts = sections(file);
            section(&mut parts, name, rest).unwrap_or_else(|| panic!("no change is written `{line}`"));
            *file = pack(&parts);
        }
        _ => panic!("no change is written `{line}`"),
    }
}

fn section(parts: &mut Vec<Section>, name: &str, words: &[&str]) -> Option<()> {
    let at = parts.iter().position(|(tag, ..)| tag.starts_with(name.as_bytes()));
    match words {
        ["new"] => {
            let mut tag = [0; 8];
            tag[..name.len()].copy_from_slice(name.as_bytes());
            parts.push((tag, 0, vec![1]));
        }
        ["removed"] => drop(parts.remove(at?)),
        ["again"] => parts.push(parts[at?].clone()),
        ["flags", flags] => parts[at?].1 = number(flags) as u32,
        ["is", text] => parts[at?].2 = text.as_bytes().to_vec(),
        ["append", value] => parts[at?].2.push(number(value) as u8),
        ["last", count, "are", value] => {
            let bytes = &mut parts[at?].2;
            let start = bytes.len() - number(count);
            bytes[start..].fill(number(value) as u8);
        }
        _ => return None,
    }
    Some(())
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is not a number"))
}

fn read(case: &Case) -> String {
    let (options, rank) = match case.options.iter().position(|option| option == "--rank") {
        Some(at) => (case.options[..at].to_vec(), Some(number(&case.options[at + 1]))),
        None => (case.options.clone(), None),
    };
    let draft = verify::draft(&Case { options, ..case.clone() });
    let mut file = Schedule::new(draft).expect("a valid schedule").encode();
    case.source.lines().for_each(|line| change(&mut file, line));
    let found: Result<(), ScheduleError> = match rank {
        Some(rank) => RankSchedule::decode(&file, Rank(rank as u32)).map(|_| ()),
        None => Schedule::decode(&file).map(|_| ()),
    };
    found.map_or_else(|error| render([Report::new(error)]), |()| "valid\n".to_string())
}

#[test]
fn format() {
    run("format", read);
}
