//! `bfc draw`: one picture of a topology or a schedule, for a paper.

use super::arguments::{self, What};
use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::output::{Kind, PICTURE};
use crate::{input, output};
use bfc_compiler::model::topology::Topology;
use bfc_compiler::{Analysis, Assumptions, Detail, Request};
use bfc_report::analysis;
use bfc_report::picture::{self, Scene};
use serde_json::json;
use std::path::Path;

/// Extensions of other formats.
const OTHERS: [&str; 7] = ["pdf", "jpg", "jpeg", "gif", "webp", "eps", "html"];
/// Pixels per inch of a PNG file, as printers want them.
const DOTS_PER_INCH: u16 = 300;

const KIND: Kind = Kind { name: "a picture of `bfc`", heads: PICTURE, flag: "-o" };

/// The format of a picture, by the extension of its file; SVG without one.
enum Image {
    Svg,
    /// At this number of pixels per inch.
    Png(u16),
}

/// Draws one picture.
///
/// # Errors
/// The source is refused, a flag has no effect, or the file has the extension of another format, holds something else, would have
/// too many pixels or cannot be written.
pub fn draw(arguments: &arguments::Draw, format: Format) -> Result<(), Failure> {
    check_flags(arguments)?;
    let image = Image::new(arguments)?;
    if let Some(path) = &arguments.output {
        output::replaces_if(path, KIND, |begin| match image {
            Image::Svg => KIND.is_head_of(begin),
            Image::Png(_) => picture::is_own_png(begin),
        })?;
    }
    let source = &arguments.source;
    let request = input::request(&source.file, source.size, &source.settings)?;
    let text = picture(arguments, &request)?;
    let Some(path) = &arguments.output else {
        return output::show(format, &json!({ "size": source.size, "text": text }), || text.clone());
    };
    match image {
        Image::Svg => output::write_file(path, text.as_bytes())?,
        Image::Png(dots) => {
            let help = "set a smaller `--dpi`, or write SVG, which has no pixels";
            let bytes = picture::png(&text, dots).map_err(|error| usage(&error.to_string(), help))?;
            output::write_file(path, &bytes)?;
        }
    }
    let document = json!({ "size": source.size, "file": path.display().to_string() });
    output::show(format, &document, || format!("wrote {}\n", output::path(path)))
}

fn usage(message: &str, help: &str) -> CliError {
    CliError::Usage { message: message.to_string(), help: Some(help.to_string()) }
}

/// Flags that would have no effect are refused.
fn check_flags(arguments: &arguments::Draw) -> Result<(), CliError> {
    let what = arguments.what;
    if arguments.layout.is_some() && what != What::Topology {
        let message = "`--layout` arranges the ranks of a topology, and this picture has none to arrange";
        return Err(usage(message, "leave `--layout` out, or write `bfc draw topology`"));
    }
    if arguments.pick.is_some() && !matches!(what, What::Topology | What::Matrix) {
        let message = "`--pick` chooses a topology for `bfc draw topology` and `bfc draw matrix`";
        let help = "a schedule is drawn whole; for the spectrum or the consensus error of one topology, name \
                    that in place of the schedule, such as `topology::ring`";
        return Err(usage(message, help));
    }
    Ok(())
}

impl Image {
    /// Most programs go by the extension: an SVG file with that of another format would not open.
    fn new(arguments: &arguments::Draw) -> Result<Self, CliError> {
        let extension = |path: &Path| path.extension().unwrap_or_default().to_ascii_lowercase();
        let path = arguments.output.as_deref();
        if path.is_some_and(|path| extension(path) == "png") {
            return Ok(Self::Png(arguments.dpi.unwrap_or(DOTS_PER_INCH)));
        }
        if let Some(path) = path.filter(|path| OTHERS.iter().any(|other| extension(path) == *other)) {
            let message = format!(
                "`{}` does not have the extension of an SVG or PNG file, and `bfc draw` writes only these",
                output::path(path)
            );
            let help = format!("write `-o {}`", output::path(&path.with_extension("svg")));
            return Err(usage(&message, &help));
        }
        match arguments.dpi {
            Some(_) => {
                Err(usage("`--dpi` has an effect on PNG only", "write `-o picture.png`, or leave it out"))
            }
            None => Ok(Self::Svg),
        }
    }
}

fn picture(arguments: &arguments::Draw, request: &Request) -> Result<String, Failure> {
    let file = &arguments.source.file;
    let pick = arguments.pick.as_deref();
    Ok(match arguments.what {
        What::Topology => of_topology(request, pick, |scene| {
            picture::topology(scene, arguments.layout.unwrap_or(scene.layout()))
        })?,
        What::Matrix => of_topology(request, pick, picture::matrix)?,
        What::Schedule => picture::schedule(file, &input::compile_request(request)?.schedule),
        What::Spectrum => picture::spectrum(file, &analyzed(request)?),
        What::Consensus => analysis::svg(file, &analyzed(request)?),
    })
}

/// A picture of one of the topologies.
fn of_topology(
    request: &Request,
    pick: Option<&str>,
    draw: impl FnOnce(&Scene) -> String,
) -> Result<String, Failure> {
    let topologies = bfc_compiler::topologies(request, &input::Beside)?;
    Ok(draw(&Scene::new(picked(&topologies, pick)?, request.local_size)))
}

/// The topology of this name; without one, the only topology.
fn picked<'t>(topologies: &'t [Topology], pick: Option<&str>) -> Result<&'t Topology, CliError> {
    let names: Vec<String> =
        topologies.iter().map(|topology| format!("`--pick {}`", topology.name)).collect();
    let help = format!("write {}", names.join(" or "));
    match (topologies, pick) {
        ([only], None) => Ok(only),
        (_, None) => {
            Err(usage(&format!("there are {} topologies, and a picture shows one", topologies.len()), &help))
        }
        (_, Some(name)) => topologies
            .iter()
            .find(|topology| topology.name == name)
            .ok_or_else(|| usage(&format!("there is no topology `{name}`"), &help)),
    }
}

fn analyzed(request: &Request) -> Result<Analysis, Failure> {
    Ok(bfc_compiler::analyze_on(request, &input::Beside, Assumptions::default(), Detail::Pictures)?)
}
