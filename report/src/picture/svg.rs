//! Elements of a picture as SVG text. Every text from outside passes through [`escape`].

use bfc_schedule::visible;
use std::fmt::Write;

/// How every picture begins: its width is always the same.
pub const PICTURE_HEAD: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 ";

/// The width of a picture.
pub const WIDTH: f64 = 880.0;
/// Where titles begin.
pub const MARGIN: f64 = 76.0;

// Inks of text and axes, the only greys: on a dark screen, the style of a page replaces them by lighter ones.
pub const INK: &str = "#1f2933";
pub const FAINT: &str = "#616e7c";
pub const GRID: &str = "#e4e7eb";
pub const PAPER: &str = "#ffffff";

// Colours that the colour-blind tell apart (Okabe and Ito, Color Universal Design, 2008).
pub const BLUE: &str = "#0072b2";
pub const VERMILLION: &str = "#d55e00";
pub const GREEN: &str = "#009e73";
pub const ORANGE: &str = "#e69f00";
pub const PURPLE: &str = "#cc79a7";

/// A place in pixels.
pub type Point = (f64, f64);

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Stroke<'a> {
    /// CSS colour.
    pub colour: &'a str,
    /// In pixels.
    pub width: f64,
    /// SVG dash pattern; empty for a solid line.
    pub dash: &'a str,
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// The left one.
    Start,
    /// The middle.
    Middle,
    /// The right one.
    End,
}

/// A picture that grows.
pub struct Svg {
    title: String,
    subtitle: String,
    body: String,
    /// Whether lines stay as wide as they are when their part of the picture is enlarged.
    keeps_widths: bool,
}

impl<'a> Stroke<'a> {
    /// One pixel, solid.
    pub fn thin(colour: &'a str) -> Self {
        Self { colour, width: 1.0, dash: "" }
    }

    fn attributes(&self) -> String {
        let Self { colour, width, dash } = self;
        let width =
            if *width == 1.0 { String::new() } else { format!(" stroke-width=\"{}\"", Short(*width)) };
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        format!("stroke=\"{colour}\"{width}{dash}")
    }
}

impl Svg {
    /// An empty picture with its first two lines.
    pub fn new(title: &str, subtitle: &str) -> Self {
        Self { title: escape(title), subtitle: escape(subtitle), body: String::new(), keeps_widths: false }
    }

    /// The SVG document of this height.
    pub fn document(self, height: f64) -> String {
        let Self { title, subtitle, body, .. } = self;
        format!(
            "{PICTURE_HEAD}{height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\" font-size=\"12\" role=\"img\">\n\
             <title>{title}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"{PAPER}\"/>\n\
             <text x=\"{MARGIN}\" y=\"30\" font-size=\"17\" font-weight=\"600\" fill=\"{INK}\">{title}</text>\n\
             <text x=\"{MARGIN}\" y=\"49\" fill=\"{FAINT}\">{subtitle}</text>\n\
             {body}</svg>\n"
        )
    }

    /// A straight line.
    pub fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        let (from, to) = ((Short(from.0), Short(from.1)), (Short(to.0), Short(to.1)));
        let _ = writeln!(
            self.body,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>",
            from.0,
            from.1,
            to.0,
            to.1,
            stroke.attributes()
        );
    }

    /// Lines along a path; nothing where it is empty.
    pub fn path(&mut self, path: &str, stroke: Stroke) {
        if !path.is_empty() {
            let _ = writeln!(
                self.body,
                "<path d=\"{path}\" fill=\"none\" {} stroke-linejoin=\"round\" stroke-linecap=\"round\"{}/>",
                stroke.attributes(),
                if self.keeps_widths { " vector-effect=\"non-scaling-stroke\"" } else { "" }
            );
        }
    }

    /// A filled path; nothing where it is empty.
    pub fn area(&mut self, path: &str, colour: &str, opacity: f64) {
        if !path.is_empty() {
            let opacity =
                if opacity < 1.0 { format!(" fill-opacity=\"{opacity:.2}\"") } else { String::new() };
            let _ = writeln!(self.body, "<path d=\"{path}\" fill=\"{colour}\"{opacity}/>");
        }
    }

    /// A rectangle with round corners.
    pub fn frame(&mut self, (x, y): Point, (width, height): Point, fill: &str, stroke: Stroke) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{fill}\" {}/>",
            Short(x),
            Short(y),
            Short(width),
            Short(height),
            stroke.attributes()
        );
    }

    /// A square of `rows` × `rows` cells, invisible, in which the script of a page finds the one under the pointer.
    pub fn cells(&mut self, (x, y): Point, side: f64, rows: u32) {
        let (x, y, side) = (Short(x), Short(y), Short(side));
        let _ = writeln!(
            self.body,
            "<rect class=\"cells\" data-rows=\"{rows}\" x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" \
             fill=\"none\" pointer-events=\"all\"/>"
        );
    }

    /// A circle.
    pub fn circle(&mut self, (x, y): Point, radius: f64, fill: &str, stroke: Stroke) {
        let (x, y, radius) = (Short(x), Short(y), Short(radius));
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\" {}/>",
            stroke.attributes()
        );
    }

    /// A rank, which the report page finds by its number and which shows its name under the pointer.
    pub fn rank(&mut self, (x, y): Point, radius: f64, rank: u32, name: &str) {
        let _ = writeln!(
            self.body,
            "<circle class=\"rank\" data-rank=\"{rank}\" cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{PAPER}\" stroke=\"{INK}\">\
             <title>{}</title></circle>",
            Short(x),
            Short(y),
            Short(radius),
            escape(name)
        );
    }

    /// A text.
    pub fn text(&mut self, at: Point, anchor: Anchor, colour: &str, content: &str) {
        self.sized(at, anchor, colour, 12.0, content);
    }

    /// A text of this size in pixels.
    pub fn sized(&mut self, (x, y): Point, anchor: Anchor, colour: &str, size: f64, content: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let size = if size == 12.0 { String::new() } else { format!(" font-size=\"{}\"", Short(size)) };
        let (x, y, content) = (Short(x), Short(y), escape(content));
        let _ =
            writeln!(self.body, "<text x=\"{x}\" y=\"{y}\"{anchor}{size} fill=\"{colour}\">{content}</text>");
    }

    /// The first line of a part of the picture.
    pub fn heading(&mut self, (x, y): Point, content: &str) {
        let (x, y, content) = (Short(x), Short(y), escape(content));
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" font-weight=\"600\" fill=\"{INK}\">{content}</text>"
        );
    }

    /// What `draw` draws, as one element with this class and number.
    pub fn group(&mut self, class: &str, number: usize, draw: impl FnOnce(&mut Self)) {
        self.tagged(&format!("class=\"{class}\" data-{class}=\"{number}\""), draw);
    }

    /// As [`group`](Self::group); only the first is shown.
    pub fn one_of(&mut self, class: &str, number: usize, draw: impl FnOnce(&mut Self)) {
        let hidden = if number == 0 { "" } else { " display=\"none\"" };
        self.tagged(&format!("class=\"{class}\" data-{class}=\"{number}\"{hidden}"), draw);
    }

    /// What `draw` draws, in a part of the picture that the script of a page can enlarge; nothing shows outside of it.
    pub fn plot(&mut self, (x, y): Point, (width, height): Point, draw: impl FnOnce(&mut Self)) {
        let (x, y, width, height) = (Short(x), Short(y), Short(width), Short(height));
        let _ = writeln!(
            self.body,
            "<svg class=\"plot\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"{x} {y} {width} {height}\" preserveAspectRatio=\"none\">"
        );
        self.keeps_widths = true;
        draw(self);
        self.keeps_widths = false;
        self.body.push_str("</svg>\n");
    }

    /// What `draw` draws, as one element with these attributes.
    pub fn tagged(&mut self, attributes: &str, draw: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.body, "<g {attributes}>");
        draw(self);
        self.body.push_str("</g>\n");
    }
}

/// A number of pixels with at most one decimal.
pub struct Short(pub f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Adding zero turns -0 into 0.
        let tenths = (self.0 * 10.0).round() + 0.0;
        if tenths % 10.0 == 0.0 { write!(f, "{}", tenths / 10.0) } else { write!(f, "{:.1}", tenths / 10.0) }
    }
}

/// A line of text as XML, which has no control characters.
pub fn escape(text: &str) -> String {
    escape_markup(&visible::line(text))
}

/// A text in which nothing can begin or end a tag, an attribute or a reference.
pub fn escape_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
