//! Arrays in NumPy's `.npy` (format versions 1 to 3) → a graph. Entry [i][j] is what rank i takes of rank j, with the digits
//! that tell a number of its precision from all others.

use crate::error::ImportError;
use crate::graph::{Edge, Graph, check_size};
use crate::number::Number;

/// How a file begins.
pub const MAGIC: &[u8] = b"\x93NUMPY";

const FORMAT: &str = "a NumPy array of numbers";

/// What the header says.
struct Header {
    kind: u8,
    width: usize,
    big_endian: bool,
    column_major: bool,
    shape: [usize; 2],
    data: usize,
}

/// Reads an array.
///
/// # Errors
/// It is malformed, not square, not of real numbers, or has infinite ones.
pub fn read(bytes: &[u8], name: &str) -> Result<Graph, ImportError> {
    let unread = |reason: String| ImportError::UnreadArray { name: name.to_string(), format: FORMAT, reason };
    let header = header(bytes).map_err(unread)?;
    let [rows, columns] = header.shape;
    if rows != columns {
        return Err(ImportError::NotSquare { rows, columns });
    }
    check_size(rows as u64)?;
    let expected = rows.checked_mul(columns).and_then(|cells| cells.checked_mul(header.width));
    let data = &bytes[header.data..];
    if expected != Some(data.len()) {
        let found = data.len();
        return Err(unread(format!(
            "its {rows} × {columns} entries of {} bytes are {found} bytes",
            header.width
        )));
    }
    let mut edges = vec![];
    for (index, cell) in data.chunks_exact(header.width).enumerate() {
        let (outer, inner) = (index / rows, index % rows);
        let (to, from) = if header.column_major { (inner, outer) } else { (outer, inner) };
        if cell.iter().all(|byte| *byte == 0) {
            continue;
        }
        let text = number(&header, cell);
        let Some(weight) = Number::parse(&text) else {
            return Err(ImportError::NotFinite { row: to, column: from, found: text });
        };
        if !weight.is_zero() {
            edges.push(Edge { from, to, both_ways: false, weight: Some(weight), at: None });
        }
    }
    Ok(Graph { labels: (0..rows).map(|rank| rank.to_string()).collect(), edges, is_matrix: true })
}

/// A number in the fewest digits that no other number of its type has.
fn number(header: &Header, cell: &[u8]) -> String {
    let mut bytes = [0; 8];
    bytes[..cell.len()].copy_from_slice(cell);
    if header.big_endian {
        bytes[..cell.len()].reverse();
    }
    let unsigned = u64::from_le_bytes(bytes);
    match (header.kind, header.width) {
        (b'f', 8) => format!("{:?}", f64::from_bits(unsigned)),
        (b'f', 4) => format!("{:?}", f32::from_bits(unsigned as u32)),
        (b'f', _) => half(unsigned as u16),
        (b'i', width) => {
            let shift = 64 - 8 * width as u32;
            (((unsigned << shift) as i64) >> shift).to_string()
        }
        _ => unsigned.to_string(),
    }
}

/// A number of 16 bits.
fn half(bits: u16) -> String {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    // Subnormal numbers are spaced like the least normal ones.
    let spacing = 2f64.powi(exponent.max(1) - 25);
    let magnitude = match exponent {
        0 => mantissa * spacing,
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * spacing,
    };
    // Below a power of two, numbers lie twice as close.
    let reach = if mantissa == 0.0 { spacing / 4.0 } else { spacing / 2.0 };
    let is_told = |short: &f64| (short - magnitude).abs() < reach;
    let digits = (0..5).filter_map(|places| format!("{magnitude:.places$e}").parse().ok());
    let shortest = digits.into_iter().find(is_told).unwrap_or(magnitude);
    format!("{:?}", if bits >> 15 == 1 { -shortest } else { shortest })
}

fn header(bytes: &[u8]) -> Result<Header, String> {
    let short = || "it ends within its header".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin like one")?;
    let (length, start) = match rest.first().ok_or_else(short)? {
        1 => (rest.get(2..4).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))), 10),
        2 | 3 => (rest.get(2..6).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize), 12),
        version => return Err(format!("its format is version {version}")),
    };
    let data = length.ok_or_else(short)?.checked_add(start).ok_or_else(short)?;
    let text = bytes.get(start..data).ok_or_else(short)?;
    let text = std::str::from_utf8(text).map_err(|_| "its header is not text".to_string())?;
    let value = |key: &str| {
        let at = text.find(&format!("'{key}':"))? + key.len() + 3;
        Some(text[at..].trim_start())
    };
    let kind = value("descr").and_then(|rest| rest.strip_prefix('\'')?.split('\'').next());
    let kind = kind.ok_or("its entries have several parts")?;
    let number = |word: &str| word.trim().parse::<usize>().ok();
    let shape =
        value("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next()).ok_or_else(short)?;
    let lengths = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
    let lengths: Option<Vec<usize>> = lengths.map(number).collect();
    let lengths = lengths.ok_or_else(|| format!("its shape is `({shape})`"))?;
    let &[rows, columns] = &lengths[..] else {
        return Err(match lengths.len() {
            1 => "it has 1 dimension, and a matrix has 2".to_string(),
            count => format!("it has {count} dimensions, and a matrix has 2"),
        });
    };
    let (order, kind) = kind.split_at_checked(1).unwrap_or_default();
    let (letter, width) = kind.split_at_checked(1).unwrap_or_default();
    let width = number(width).unwrap_or(0);
    let fits = match letter {
        "f" => matches!(width, 2 | 4 | 8),
        "i" | "u" => matches!(width, 1 | 2 | 4 | 8),
        "b" => width == 1,
        _ => false,
    };
    if !fits {
        return Err(format!(
            "its entries are `{order}{kind}`; `W.astype(float)` makes them numbers of 64 bits"
        ));
    }
    let column_major = value("fortran_order").is_some_and(|rest| rest.starts_with("True"));
    Ok(Header {
        kind: letter.as_bytes()[0],
        width,
        big_endian: order == ">",
        column_major,
        shape: [rows, columns],
        data,
    })
}
