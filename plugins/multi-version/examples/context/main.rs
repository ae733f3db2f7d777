//! Contexts from the command line: what the plugin's `run` does, for the tests, and what entering costs.
//!
//! ```text
//! context run ROOT [--view V[@GEN]] [-p PKG[=VERSION]]… [--world SIDE] [--pure] -- CMD ARGS…     with /var/sys at ROOT
//! context exec CMD ARGS…                                                          the same without a context
//! context bench ROOT [OPTIONS] -- CMD ARGS…                                       both, many times over
//! ```

use std::error::Error;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use dpkgng_multi_version::context::{Options, run};
use dpkgng_multi_version::layout::{Layout, Place, ViewName};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match act(&arguments) {
        Ok(status) => ExitCode::from(status),
        Err(e) => {
            eprintln!("context: {e}");
            ExitCode::from(2)
        }
    }
}

fn act(arguments: &[OsString]) -> Result<u8, Box<dyn Error>> {
    let (what, rest) = arguments.split_first().ok_or("what?")?;
    match what.to_str() {
        Some("run") => {
            let (root, options) = rest.split_first().ok_or("where?")?;
            let error = run(&Layout::new(root), None, &parse(options)?, &mut || ());
            eprintln!("context: {error}");
            Ok(u8::try_from(error.status())?)
        }
        Some("exec") => {
            let (program, arguments) = rest.split_first().ok_or("what?")?;
            Err(Command::new(program).args(arguments).exec().into())
        }
        Some("bench") => bench(rest),
        _ => Err("run, exec or bench".into()),
    }
}

fn parse(words: &[OsString]) -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        view: ViewName::system(),
        generation: None,
        packages: Vec::new(),
        world: None,
        pure: false,
        command: Vec::new(),
    };
    let mut left = words.iter();
    while let Some(word) = left.next().filter(|w| *w != "--") {
        let mut value = || left.next().and_then(|w| w.to_str()).ok_or("what value?");
        match word.to_str() {
            Some("--view") => {
                let place: Place = value()?.parse()?;
                (options.view, options.generation) = (place.view, place.number);
            }
            Some("-p") => options.packages.push(value()?.parse()?),
            Some("--world") => options.world = Some(value()?.parse()?),
            Some("--pure") => options.pure = true,
            _ => return Err(format!("{} is no option", word.display()).into()),
        }
    }
    options.command = left.cloned().collect();
    Ok(options)
}

const RUNS: usize = 300;

fn bench(rest: &[OsString]) -> Result<u8, Box<dyn Error>> {
    let command = rest.iter().skip_while(|w| *w != "--").skip(1);
    let command: Vec<OsString> = command.cloned().collect();
    let own = std::env::current_exe()?;
    let timed = |what: &str, arguments: &[OsString]| -> Result<Duration, Box<dyn Error>> {
        let start = Instant::now();
        let status = Command::new(&own).arg(what).args(arguments).status()?;
        let taken = start.elapsed();
        if !status.success() {
            return Err(format!("{what}: {status}").into());
        }
        Ok(taken)
    };
    // In turn, so that what else the machine does hits both.
    let (mut bare, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        bare.push(timed("exec", &command)?);
        inside.push(timed("run", rest)?);
    }
    for times in [&mut bare, &mut inside] {
        times.sort();
    }
    let at = |times: &[Duration], percent: usize| times.get(times.len() * percent / 100).copied();
    println!("{RUNS} runs     minimum      median    90th percentile");
    for (name, times) in [("exec", &bare), ("run", &inside)] {
        let [least, median, most] = [0, 50, 90].map(|p| at(times, p).unwrap_or_default());
        println!("{name:8} {least:>10.1?}  {median:>10.1?}  {most:>10.1?}");
    }
    let cost = |p| {
        at(&inside, p)
            .zip(at(&bare, p))
            .map(|(i, b)| i.saturating_sub(b))
    };
    let (least, median) = (cost(0).unwrap_or_default(), cost(50).unwrap_or_default());
    println!("entering {least:>10.1?}  {median:>10.1?}");
    Ok(u8::from(median > Duration::from_millis(2)))
}
