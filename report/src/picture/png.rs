//! A picture as pixels, for where SVG cannot be used. It reads the elements that pictures of this crate consist of, not SVG in
//! general; texts are outlines of DejaVu Sans Condensed, which comes with the program and is about as wide as Helvetica.

use roxmltree::{Document, Node};
use std::fmt;
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};
use ttf_parser::{Face, OutlineBuilder};

/// How every PNG file begins.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The note that tells pictures of this program from others.
const SOFTWARE: &[u8] = b"Software\0bfc draw";
/// Pixels of SVG per inch, as CSS has them.
const PIXELS_PER_INCH: f32 = 96.0;
const INCH_IN_METRES: f64 = 0.0254;
/// Pixels of a picture; four bytes each are held in memory.
const MOST_PIXELS: u64 = 100_000_000;
/// Bytes of a pixel in the file; the paper of a picture is opaque.
const CHANNELS: usize = 3;
/// The compression of the file, from 0 to 10.
const LEVEL: u8 = 6;
/// The control points of a quarter of a circle lie this share of the radius along its tangents.
const QUARTER: f32 = 0.552_284_8;

/// A resolution at which a picture would have too many pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyPixels {
    /// Its width in pixels.
    pub width: u64,
    /// Its height in pixels.
    pub height: u64,
}

impl fmt::Display for TooManyPixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height } = self;
        write!(f, "the picture would have {width} × {height} pixels, expected up to {MOST_PIXELS}")
    }
}

/// Whether a file that begins so is a PNG picture of this program.
pub fn is_own_png(begin: &[u8]) -> bool {
    begin.starts_with(SIGNATURE) && begin.windows(SOFTWARE.len()).any(|window| window == SOFTWARE)
}

/// The PNG file of a picture that a function of this crate drew, with this number of pixels an inch: at 96, a pixel of SVG is one
/// of PNG.
///
/// # Errors
/// It would have more than 100 million pixels.
pub fn png(svg: &str, dots_per_inch: u16) -> Result<Vec<u8>, TooManyPixels> {
    let document = Document::parse(svg).expect("a picture is XML");
    let root = document.root_element();
    let scale = f32::from(dots_per_inch) / PIXELS_PER_INCH;
    let side = |name| (number(root, name) * scale).ceil().max(1.0) as u64;
    let (width, height) = (side("width"), side("height"));
    let pixels = (width * height <= MOST_PIXELS).then(|| Pixmap::new(width as u32, height as u32)).flatten();
    let mut pixels = pixels.ok_or(TooManyPixels { width, height })?;
    pixels.fill(Color::WHITE);
    let mut canvas = Canvas { pixels, scale: Transform::from_scale(scale, scale), fonts: Fonts::new() };
    root.children().for_each(|node| canvas.draw(node));
    Ok(file(&canvas.pixels, dots_per_inch))
}

/// A number of an attribute; 0 where there is none.
fn number(node: Node, name: &str) -> f32 {
    node.attribute(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

struct Canvas {
    pixels: Pixmap,
    scale: Transform,
    fonts: Fonts,
}

impl Canvas {
    fn draw(&mut self, node: Node) {
        let outline = match node.tag_name().name() {
            "g" if node.attribute("display") == Some("none") => return,
            "g" | "svg" => return node.children().for_each(|child| self.draw(child)),
            "text" => return self.text(node),
            "rect" => rectangle(node),
            "line" => line(node),
            "circle" => PathBuilder::from_circle(number(node, "cx"), number(node, "cy"), number(node, "r")),
            "path" => path(node.attribute("d").unwrap_or_default()),
            _ => None,
        };
        if let Some(outline) = outline {
            self.fill(&outline, node);
            self.stroke(&outline, node);
        }
    }

    fn fill(&mut self, outline: &Path, node: Node) {
        let Some(colour) = node.attribute("fill").and_then(colour) else { return };
        let opacity = node.attribute("fill-opacity").and_then(|text| text.parse().ok()).unwrap_or(1.0);
        self.pixels.fill_path(outline, &paint(colour, opacity), FillRule::Winding, self.scale, None);
    }

    fn stroke(&mut self, outline: &Path, node: Node) {
        let Some(colour) = node.attribute("stroke").and_then(colour) else { return };
        let dashes: Option<Vec<f32>> = node
            .attribute("stroke-dasharray")
            .map(|text| text.split(' ').filter_map(|length| length.parse().ok()).collect());
        let round = node.attribute("stroke-linecap") == Some("round");
        let stroke = Stroke {
            width: node.attribute("stroke-width").map_or(1.0, |_| number(node, "stroke-width")),
            line_cap: if round { LineCap::Round } else { LineCap::Butt },
            line_join: if round { LineJoin::Round } else { LineJoin::Miter },
            dash: dashes.and_then(|dashes| StrokeDash::new(dashes, 0.0)),
            ..Stroke::default()
        };
        self.pixels.stroke_path(outline, &paint(colour, 1.0), &stroke, self.scale, None);
    }

    fn text(&mut self, node: Node) {
        let content = node.text().unwrap_or_default();
        let size = node.attribute("font-size").map_or(12.0, |_| number(node, "font-size"));
        let font = if node.has_attribute("font-weight") { &self.fonts.bold } else { &self.fonts.regular };
        let scale = size / f32::from(font.units_per_em());
        let width = scale * content.chars().map(|letter| advance(font, letter)).sum::<f32>();
        let start = match node.attribute("text-anchor") {
            Some("middle") => number(node, "x") - width / 2.0,
            Some("end") => number(node, "x") - width,
            _ => number(node, "x"),
        };
        let mut outline = Outline { path: PathBuilder::new(), at: (start, number(node, "y")), scale };
        for letter in content.chars() {
            font.outline_glyph(font.glyph_index(letter).unwrap_or_default(), &mut outline);
            outline.at.0 += scale * advance(font, letter);
        }
        if let Some(outline) = outline.path.finish() {
            self.fill(&outline, node);
        }
    }
}

fn paint((red, green, blue): (u8, u8, u8), opacity: f32) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    paint
}

/// Such as `#0072b2`; none for `none`.
fn colour(text: &str) -> Option<(u8, u8, u8)> {
    let digits = u32::from_str_radix(text.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = digits.to_be_bytes();
    Some((red, green, blue))
}

fn line(node: Node) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(number(node, "x1"), number(node, "y1"));
    path.line_to(number(node, "x2"), number(node, "y2"));
    path.finish()
}

fn rectangle(node: Node) -> Option<Path> {
    let [x, y, width, height, radius] = ["x", "y", "width", "height", "rx"].map(|name| number(node, name));
    if radius == 0.0 {
        return Some(PathBuilder::from_rect(Rect::from_xywh(x, y, width, height)?));
    }
    let (right, bottom, tangent) = (x + width, y + height, radius * (1.0 - QUARTER));
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.cubic_to(right - tangent, y, right, y + tangent, right, y + radius);
    path.line_to(right, bottom - radius);
    path.cubic_to(right, bottom - tangent, right - tangent, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.cubic_to(x + tangent, bottom, x, bottom - tangent, x, bottom - radius);
    path.line_to(x, y + radius);
    path.cubic_to(x, y + tangent, x + tangent, y, x + radius, y);
    path.close();
    path.finish()
}

/// The commands `M L Q h v z`, which are those of this crate.
fn path(data: &str) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (mut at, mut rest) = ((0.0, 0.0), data);
    while let Some(command) = rest.chars().next() {
        let arguments = &rest[command.len_utf8()..];
        let end = arguments.find(|letter: char| letter.is_alphabetic()).unwrap_or(arguments.len());
        let numbers: Vec<f32> =
            arguments[..end].split(' ').filter_map(|number| number.parse().ok()).collect();
        rest = &arguments[end..];
        match (command, &numbers[..]) {
            ('M', &[x, y]) => {
                path.move_to(x, y);
                at = (x, y);
                continue;
            }
            ('L', &[x, y]) => at = (x, y),
            ('h', &[dx]) => at.0 += dx,
            ('v', &[dy]) => at.1 += dy,
            ('Q', &[x, y, end_x, end_y]) => {
                path.quad_to(x, y, end_x, end_y);
                at = (end_x, end_y);
                continue;
            }
            ('z', []) => {
                path.close();
                continue;
            }
            other => debug_assert!(false, "a path of a picture has {other:?}"),
        }
        path.line_to(at.0, at.1);
    }
    path.finish()
}

struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Fonts {
    fn new() -> Self {
        let face = |bytes| Face::parse(bytes, 0).expect("a font that comes with the program");
        Self { regular: face(dejavu::sans_condensed::regular()), bold: face(dejavu::sans_condensed::bold()) }
    }
}

/// How far the next letter is, in units of the font; a letter that the font lacks is a box.
fn advance(font: &Face, letter: char) -> f32 {
    let glyph = font.glyph_index(letter).unwrap_or_default();
    font.glyph_hor_advance(glyph).unwrap_or_default().into()
}

/// Letters become a path. A font counts upwards.
struct Outline {
    path: PathBuilder,
    at: (f32, f32),
    scale: f32,
}

impl Outline {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.at.0 + self.scale * x, self.at.1 - self.scale * y)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

/// The file, as the PNG specification (third edition, W3C 2025) has it: its header, its note, its resolution, its pixels.
fn file(pixels: &Pixmap, dots_per_inch: u16) -> Vec<u8> {
    let header =
        [&pixels.width().to_be_bytes()[..], &pixels.height().to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let per_metre = ((f64::from(dots_per_inch) / INCH_IN_METRES).round() as u32).to_be_bytes();
    let resolution = [&per_metre[..], &per_metre, &[1]].concat();
    let compressed = miniz_oxide::deflate::compress_to_vec_zlib(&filtered(pixels), LEVEL);
    let mut file = SIGNATURE.to_vec();
    let chunks: [(&[u8; 4], &[u8]); 5] = [
        (b"IHDR", &header),
        (b"tEXt", SOFTWARE),
        (b"pHYs", &resolution),
        (b"IDAT", &compressed),
        (b"IEND", &[]),
    ];
    for (name, data) in chunks {
        let body = [&name[..], data].concat();
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&body);
        file.extend(crc32fast::hash(&body).to_be_bytes());
    }
    file
}

/// Each row as its difference from the one above (filter 2), which is 0 in most places.
fn filtered(pixels: &Pixmap) -> Vec<u8> {
    let row_bytes = CHANNELS * pixels.width() as usize;
    let (mut above, mut filtered) = (vec![0; row_bytes], vec![]);
    for row in pixels.pixels().chunks_exact(pixels.width() as usize) {
        let row: Vec<u8> = row.iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
        filtered.push(2);
        filtered.extend(row.iter().zip(&above).map(|(byte, above)| byte.wrapping_sub(*above)));
        above = row;
    }
    filtered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::PICTURE_HEAD;

    fn document(body: &str) -> String {
        format!(
            "{PICTURE_HEAD}10\" width=\"20\" height=\"10\"><rect width=\"20\" height=\"10\" fill=\"#ffffff\"/>{body}</svg>"
        )
    }

    /// The width, and the pixels row by row.
    fn pixels(body: &str, dots_per_inch: u16) -> (usize, Vec<[u8; 3]>) {
        let file = png(&document(body), dots_per_inch).expect("few pixels");
        assert!(is_own_png(&file[..128]));
        let (mut at, mut width, mut data) = (8, 0, vec![]);
        while at < file.len() {
            let length = u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
            let body = &file[at + 4..at + 8 + length];
            match &body[..4] {
                b"IHDR" => width = u32::from_be_bytes(body[4..8].try_into().expect("four bytes")) as usize,
                b"IDAT" => data.extend(&body[4..]),
                b"pHYs" => assert_eq!(u32::from_be_bytes(body[4..8].try_into().expect("four bytes")), 3780),
                _ => {}
            }
            at += 12 + length;
        }
        let data = miniz_oxide::inflate::decompress_to_vec_zlib(&data).expect("zlib");
        let mut above = vec![0u8; 3 * width];
        let mut all = vec![];
        for row in data.chunks_exact(3 * width + 1) {
            above.iter_mut().zip(&row[1..]).for_each(|(above, byte)| *above = above.wrapping_add(*byte));
            all.extend(above.as_chunks::<3>().0);
        }
        (width, all)
    }

    #[test]
    fn elements_stand_where_they_should() {
        let blue = [0, 0x72, 0xb2];
        let paper = [255; 3];
        for (body, inside, outside) in [
            (
                "<rect x=\"2\" y=\"2\" width=\"6\" height=\"6\" rx=\"2\" fill=\"#0072b2\" stroke=\"#0072b2\"/>",
                (5, 5),
                (12, 5),
            ),
            ("<circle cx=\"14\" cy=\"5\" r=\"3\" fill=\"#0072b2\"/>", (14, 5), (10, 5)),
            (
                "<line x1=\"0\" y1=\"5\" x2=\"9\" y2=\"5\" stroke=\"#0072b2\" stroke-width=\"4\"/>",
                (3, 4),
                (12, 5),
            ),
            ("<path d=\"M2 2h6v6h-6z\" fill=\"#0072b2\"/>", (4, 4), (12, 4)),
            ("<path d=\"M2 2L18 2Q19 3 2 9z\" fill=\"#0072b2\"/>", (4, 4), (18, 9)),
            // A dot is a line of no length.
            (
                "<path d=\"M5 5h0\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"6\" stroke-linecap=\"round\"/>",
                (5, 5),
                (12, 5),
            ),
            (
                "<text x=\"19\" y=\"9\" text-anchor=\"end\" font-size=\"12\" font-weight=\"600\" fill=\"#0072b2\">\u{2588}</text>",
                (15, 4),
                (2, 4),
            ),
        ] {
            let (width, pixels) = pixels(body, 96);
            assert_eq!((width, pixels.len()), (20, 200));
            assert_eq!(
                (pixels[inside.1 * 20 + inside.0], pixels[outside.1 * 20 + outside.0]),
                (blue, paper),
                "{body}"
            );
        }
        let (_, hidden) =
            pixels("<g display=\"none\"><rect width=\"20\" height=\"10\" fill=\"#0072b2\"/></g>", 96);
        assert!(hidden.iter().all(|pixel| *pixel == paper));
    }

    #[test]
    fn every_letter_of_pictures_has_a_glyph() {
        let fonts = Fonts::new();
        for font in [&fonts.regular, &fonts.bold] {
            for letter in "aZ09.,;:%()→←×ρ−–…⁻⁰¹²³⁴⁵⁶⁷⁸⁹µ✓✗λσ‖".chars()
            {
                assert!(font.glyph_index(letter).is_some(), "{letter}");
            }
        }
    }

    #[test]
    fn a_resolution_has_a_limit() {
        let large = document("").replace("width=\"20\" height=\"10\">", "width=\"880\" height=\"20000\">");
        assert_eq!(png(&large, 1200), Err(TooManyPixels { width: 11_000, height: 250_000 }));
        assert!(!is_own_png(SIGNATURE));
    }
}
