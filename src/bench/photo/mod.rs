//! The benchmark of portraits: our path beside the plain one (decode whole, resize with `image`) on the same picture in the same run, each in a
//! process of its own, so that their peaks of memory are their own. On demand, the debits of a service that redraws portraits meanwhile.
#![expect(clippy::float_arithmetic, reason = "milliseconds and megabytes, not money")]

mod meanwhile;
pub mod picture;

use crate::photos::{Size, picture as portraits};
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use image::{
    DynamicImage, ImageDecoder,
    codecs::jpeg::{JpegDecoder, JpegEncoder},
    imageops::FilterType,
};
use meanwhile::Meanwhile;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::NamedTempFile;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct PhotoOptions {
    /// A JPEG to measure with [default: one of 12 Mpx, made for the run]
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Pictures each path works off; the figure is the median
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    times: u32,
    /// Measure debits too, without and with portraits being redrawn, for so many seconds each
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    debits: Option<u64>,
    /// Folder for the data of the debits
    #[arg(long, value_name = "FOLDER", default_value = "/tmp")]
    folder: PathBuf,
    /// Print one JSON object instead of sentences
    #[arg(long)]
    json: bool,
}

/// One path in this process: what the benchmark starts.
#[derive(Debug, Clone, Args)]
pub struct PathOptions {
    #[arg(value_enum)]
    way: Way,
    picture: PathBuf,
    #[arg(long, default_value_t = 1)]
    times: u32,
}

/// From an upload to a portrait.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// The service's own.
    Ours,
    /// Decode whole, turn, crop, resize with `image`.
    Plain,
}

/// What one path took.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Taken {
    /// Processor time of a picture, of all threads, the median.
    cpu_ms: f64,
    /// Memory at its peak above what the process held before it read the file.
    peak_mb: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    picture_bytes: usize,
    times: u32,
    cpu_ms: f64,
    plain_cpu_ms: f64,
    /// Our processor time for each millisecond of the plain path's.
    ratio: f64,
    peak_mb: f64,
    plain_peak_mb: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    debits: Option<Meanwhile>,
    /// What must be known to read the figures.
    notes: Vec<String>,
}

/// Measures and prints.
pub async fn photo(options: PhotoOptions) -> anyhow::Result<()> {
    let mut notes = vec![];
    if cfg!(debug_assertions) {
        notes.push("This build is not optimised: its figures mean nothing (cargo build --release).".to_owned());
    }
    let bytes = match &options.picture {
        Some(file) => fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => picture::telephone()?,
    };
    let mut file = NamedTempFile::new()?;
    file.write_all(&bytes)?;
    let ours = measured(Way::Ours, file.path(), options.times)?;
    let plain = measured(Way::Plain, file.path(), options.times)?;
    let debits = match options.debits {
        Some(seconds) => Some(meanwhile::measure(&options.folder, &bytes, seconds).await?),
        None => None,
    };
    let report = Report {
        picture_bytes: bytes.len(),
        times: options.times,
        cpu_ms: ours.cpu_ms,
        plain_cpu_ms: plain.cpu_ms,
        ratio: rounded(ours.cpu_ms / plain.cpu_ms),
        peak_mb: ours.peak_mb,
        plain_peak_mb: plain.peak_mb,
        debits,
        notes,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    Ok(())
}

impl Report {
    fn print(&self) {
        let Self { cpu_ms, plain_cpu_ms, ratio, peak_mb, plain_peak_mb, .. } = self;
        println!("A picture of {} bytes, {} times.", self.picture_bytes, self.times);
        println!("Ours:  {cpu_ms:.1} ms of processor, {peak_mb:.1} MB above idle.");
        println!("Plain: {plain_cpu_ms:.1} ms of processor, {plain_peak_mb:.1} MB above idle. Ratio {ratio:.2}.");
        if let Some(debits) = &self.debits {
            println!("{debits}");
        }
        self.notes.iter().for_each(|note| println!("{note}"));
    }
}

/// A path's figures, from a process that does nothing else.
fn measured(way: Way, file: &Path, times: u32) -> anyhow::Result<Taken> {
    let name = way.to_possible_value().context("a way without a name")?;
    let program = std::env::current_exe()?;
    let out = Command::new(program)
        .args(["bench", "photo-path", name.get_name(), "--times", &times.to_string()])
        .arg(file)
        .output()?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// Works off the picture and prints what it took.
pub fn path(options: &PathOptions) -> anyhow::Result<()> {
    let idle = memory_kib("VmRSS")?;
    let bytes = fs::read(&options.picture)?;
    let mut millis = vec![];
    for _ in 0..options.times {
        let begun = processor_ms();
        let made = match options.way {
            Way::Ours => portraits::normalise(&bytes)?.jpeg,
            Way::Plain => plain(&bytes)?,
        };
        ensure!(!made.is_empty(), "no portrait came out");
        millis.push(processor_ms() - begun);
    }
    millis.sort_by(f64::total_cmp);
    let cpu_ms = millis.get(millis.len() / 2).copied().unwrap_or_default();
    let peak = f64::from(u32::try_from(memory_kib("VmHWM")?.saturating_sub(idle))?);
    println!("{}", serde_json::to_string(&Taken { cpu_ms: rounded(cpu_ms), peak_mb: rounded(peak / 1024.0) })?);
    Ok(())
}

/// The same portrait as `image` alone makes it.
fn plain(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (Size::Card.width(), Size::Card.height());
    let mut decoder = JpegDecoder::new(Cursor::new(bytes))?;
    let orientation = decoder.orientation()?;
    let mut upright = DynamicImage::from_decoder(decoder)?;
    upright.apply_orientation(orientation);
    let part_width = upright.width().min(upright.height() * width / height);
    let part_height = upright.height().min(upright.width() * height / width);
    let (left, top) = ((upright.width() - part_width) / 2, (upright.height() - part_height) / 3);
    let portrait =
        upright.crop_imm(left, top, part_width, part_height).resize_exact(width, height, FilterType::CatmullRom);
    let mut file = vec![];
    portrait.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut file, Size::Card.quality()))?;
    Ok(file)
}

/// Processor time of this process, of all its threads.
fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = f64::from(u32::try_from(time.tv_sec).unwrap_or(u32::MAX));
    let nanos = f64::from(u32::try_from(time.tv_nsec).unwrap_or_default());
    seconds * 1e3 + nanos / 1e6
}

fn memory_kib(name: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
