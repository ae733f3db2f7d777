//! A disk whose cache flushes take a stated time.
//!
//! On a machine whose own flushes cost next to nothing (a virtual disk that the host keeps in memory, an ext4
//! without a journal) a benchmark of a program that makes things durable measures the wrong thing. This disk
//! answers writes at once, as a drive with a volatile cache does, every flush [`Delays::flush_us`] microseconds
//! after it came, and every read `read_us` after it came; what is under way at the same time does not wait for each other.
//! Typical flushes: a good NVMe drive 100 µs, a SATA SSD or a volume in a cloud 1,000 and more, a spinning disk 8,000.
//!
//! It is a process of its own that speaks the FUSE protocol of the kernel (linux/fuse.h, version 7.31) and
//! serves two files: `disk`, the bytes of an image, on which a loop device makes a drive, and `counts`, what
//! the drive has seen so far.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, IoSlice, Read, Write};
use std::ops::Sub;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::mount::{MntFlags, MsFlags, umount2};
use nix::sys::prctl::{set_pdeathsig, set_timerslack};
use nix::sys::signal::Signal;

use crate::sandbox::mnt;
use crate::{During, Res};

/// How long a disk takes, microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// For a flush.
    pub flush_us: u64,
    /// For a read.
    pub read_us: u64,
}

/// What a disk has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Flushes of its cache.
    pub flushes: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
    /// Bytes written.
    pub bytes: u64,
}

impl Counts {
    fn parse(text: &str) -> Option<Counts> {
        let mut numbers = text.split_whitespace().map_while(|n| n.parse().ok());
        let mut next = || numbers.next();
        Some(Counts {
            flushes: next()?,
            reads: next()?,
            writes: next()?,
            bytes: next()?,
        })
    }

    fn text(self) -> String {
        let Counts {
            flushes,
            reads,
            writes,
            bytes,
        } = self;
        format!("{flushes} {reads} {writes} {bytes}\n")
    }
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, before: Counts) -> Counts {
        Counts {
            flushes: self.flushes - before.flushes,
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            bytes: self.bytes - before.bytes,
        }
    }
}

/// A disk, and the process that is behind it until this is dropped.
pub struct Disk {
    drive: PathBuf,
    server: Child,
}

impl Disk {
    /// Makes the bytes of `image` a disk below the directory `drive`. The file's name is removed: its content is
    /// gone when the disk is. `exe` is the `compat` binary.
    pub fn new(exe: &Path, image: &Path, drive: &Path, delays: Delays) -> Res<Disk> {
        let mut server = Command::new(exe)
            .arg("--bench-disk")
            .args([image, drive])
            .args([delays.flush_us.to_string(), delays.read_us.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .during(exe.display())?;
        let mut ready = String::new();
        if let Some(out) = server.stdout.take() {
            BufReader::new(out).read_line(&mut ready).during("disk")?;
        }
        let disk = Disk {
            drive: drive.to_owned(),
            server,
        };
        if ready != READY {
            return Err("the disk did not start".into());
        }
        fs::remove_file(image).during(image.display())?;
        Ok(disk)
    }

    /// The file that has the disk's bytes.
    pub fn bytes(&self) -> PathBuf {
        self.drive.join("disk")
    }

    /// What it has seen.
    pub fn counts(&self) -> Res<Counts> {
        let file = self.drive.join("counts");
        // Of one moment, so it is read at once.
        let mut text = [0; 128];
        let len = File::open(&file).and_then(|mut f| f.read(&mut text));
        let text = String::from_utf8_lossy(&text[..len.during(file.display())?]).into_owned();
        Counts::parse(&text).ok_or_else(|| format!("{}: {text}", file.display()))
    }

    /// Mounts the filesystem of kind `fs` on it at `to`.
    pub fn mount(&self, fs: &str, to: &Path) -> Res<Mounted> {
        let out = Command::new("losetup")
            .args(["--direct-io=on", "-f", "--show"])
            .arg(self.bytes())
            .output()
            .during("losetup")?;
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        let device = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        let mounted = mnt(Some(device.as_str()), to, Some(fs), MsFlags::empty(), None);
        // A device in use goes away when it is used no more.
        crate::oracle::run(Command::new("losetup").arg("-d").arg(&device))?;
        mounted?;
        Ok(Mounted(to.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The server ends with the mount. If a process still holds it, it must not hold us.
        for _ in 0..50 {
            match umount2(&self.drive, MntFlags::empty()) {
                Err(Errno::EBUSY) => thread::sleep(Duration::from_millis(100)),
                _ => break,
            }
        }
        let _ = umount2(&self.drive, MntFlags::MNT_DETACH);
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A mounted filesystem, with all that is mounted below it, until this is dropped.
pub struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let below: Vec<&str> = text
            .lines()
            .filter_map(|l| l.split(' ').nth(1))
            .filter(|p| Path::new(p).starts_with(&self.0))
            .collect();
        // The last one mounted first.
        for path in below.iter().rev() {
            for _ in 0..50 {
                match umount2(Path::new(path), MntFlags::empty()) {
                    Err(Errno::EBUSY) => thread::sleep(Duration::from_millis(100)),
                    _ => break,
                }
            }
        }
    }
}

const READY: &str = "ready\n";

/// The largest write or read of the protocol.
const MOST: usize = 1 << 20;

/// What the kernel wants done.
mod op {
    pub const LOOKUP: u32 = 1;
    pub const FORGET: u32 = 2;
    pub const GETATTR: u32 = 3;
    pub const SETATTR: u32 = 4;
    pub const OPEN: u32 = 14;
    pub const READ: u32 = 15;
    pub const WRITE: u32 = 16;
    pub const STATFS: u32 = 17;
    pub const RELEASE: u32 = 18;
    pub const FSYNC: u32 = 20;
    pub const FLUSH: u32 = 25;
    pub const INIT: u32 = 26;
    pub const OPENDIR: u32 = 27;
    pub const RELEASEDIR: u32 = 29;
    pub const ACCESS: u32 = 34;
    pub const INTERRUPT: u32 = 36;
    pub const DESTROY: u32 = 38;
    pub const BATCH_FORGET: u32 = 42;
    pub const FALLOCATE: u32 = 43;
}

/// The files.
mod node {
    pub const ROOT: u64 = 1;
    pub const DISK: u64 = 2;
    pub const COUNTS: u64 = 3;
}

/// Bytes of the head of a request.
const HEAD: usize = 40;
/// Asynchronous reads, large writes, asynchronous direct access, more than 32 pages at once.
const FEATURES: u32 = 1 | 1 << 5 | 1 << 15 | 1 << 22;
/// The file is not to be kept in the page cache.
const OPEN_DIRECT: u32 = 1;
/// How long the kernel may believe what it was told, seconds.
const VALID: u64 = 1 << 20;

/// Fields of a request, by their places.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&self, at: usize) -> u32 {
        let bytes = self.0.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    }

    fn u64(&self, at: usize) -> u64 {
        let bytes = self.0.get(at..at + 8).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u64::from_ne_bytes)
    }
}

/// A reply, written down in the order of its fields.
#[derive(Default)]
struct Out(Vec<u8>);

impl Out {
    fn u16(mut self, values: &[u16]) -> Out {
        self.0.extend(values.iter().flat_map(|v| v.to_ne_bytes()));
        self
    }

    fn u32(mut self, values: &[u32]) -> Out {
        self.0.extend(values.iter().flat_map(|v| v.to_ne_bytes()));
        self
    }

    fn u64(mut self, values: &[u64]) -> Out {
        self.0.extend(values.iter().flat_map(|v| v.to_ne_bytes()));
        self
    }

    /// `struct fuse_attr`.
    fn attr(self, node: u64, size: u64) -> Out {
        let (mode, links) = match node {
            node::ROOT => (libc::S_IFDIR | 0o755, 2),
            _ => (libc::S_IFREG | 0o600, 1),
        };
        self.u64(&[node, size, size / 512, 0, 0, 0])
            .u32(&[0, 0, 0, mode, links, 0, 0, 0, 4096, 0])
    }
}

/// What is sent for a request: an error number, or fields.
type Reply = Result<Vec<u8>, i32>;

fn send(dev: &File, unique: u64, reply: &Reply) {
    let (error, data) = match reply {
        Ok(data) => (0, &data[..]),
        Err(error) => (-error, &[][..]),
    };
    let len = (16 + data.len()) as u32;
    let mut head = [0; 16];
    head[..4].copy_from_slice(&len.to_ne_bytes());
    head[4..8].copy_from_slice(&error.to_ne_bytes());
    head[8..].copy_from_slice(&unique.to_ne_bytes());
    let mut dev = dev;
    match dev.write_vectored(&[IoSlice::new(&head), IoSlice::new(data)]) {
        // The one who asked is gone.
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => eprintln!("disk: reply: {e}"),
        Ok(_) => {}
    }
}

/// Sends what it is given a certain time later. The time is the same for all, so they stay in order.
struct Later {
    queue: Option<Sender<(Instant, u64, Reply)>>,
    after: Duration,
    dev: Arc<File>,
}

impl Later {
    fn new(dev: &Arc<File>, us: u64) -> Later {
        let after = Duration::from_micros(us);
        let (queue, due) = channel::<(Instant, u64, Reply)>();
        let to = Arc::clone(dev);
        thread::spawn(move || {
            // Else the kernel is free to wake us 50 µs late.
            let _ = set_timerslack(1);
            for (at, unique, reply) in due {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                send(&to, unique, &reply);
            }
        });
        Later {
            queue: Some(queue).filter(|_| us > 0),
            after,
            dev: Arc::clone(dev),
        }
    }

    fn send(&self, unique: u64, reply: Reply) {
        match &self.queue {
            None => send(&self.dev, unique, &reply),
            Some(queue) => {
                let _ = queue.send((Instant::now() + self.after, unique, reply));
            }
        }
    }
}

/// The process behind a disk (`--bench-disk IMAGE DRIVE FLUSH_US READ_US`).
pub fn serve(args: &[String]) -> Res<()> {
    let [image, drive, flush_us, read_us] = args else {
        return Err("not for use by hand".into());
    };
    let number = |n: &String| n.parse::<u64>().map_err(|e| format!("{n}: {e}"));
    let delays = Delays {
        flush_us: number(flush_us)?,
        read_us: number(read_us)?,
    };
    // A disk that nobody can unmount any more would stay for ever.
    set_pdeathsig(Signal::SIGKILL).during("prctl")?;
    let open = |path: &str| OpenOptions::new().read(true).write(true).open(path);
    let image = open(image).during(image)?;
    let size = image.metadata().during("image")?.len();
    let dev = Arc::new(open("/dev/fuse").during("/dev/fuse")?);
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0,allow_other",
        dev.as_raw_fd()
    );
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mnt(
        Some("compat-disk"),
        Path::new(drive),
        Some("fuse"),
        flags,
        Some(&options),
    )?;
    print!("{READY}");
    std::io::stdout().flush().during("stdout")?;
    let flushed = Later::new(&dev, delays.flush_us);
    let read = Later::new(&dev, delays.read_us);
    let mut server = Server {
        image,
        size,
        counts: Counts::default(),
    };
    let mut buffer = vec![0; MOST + 65536];
    loop {
        let len = match (&*dev).read(&mut buffer) {
            Ok(len) => len,
            Err(e) => match e.raw_os_error() {
                Some(libc::EINTR | libc::EAGAIN | libc::ENOENT) => continue,
                // Unmounted.
                Some(libc::ENODEV) => return Ok(()),
                _ => return Err(format!("/dev/fuse: {e}")),
            },
        };
        let request = buffer.get(..len).unwrap_or_default();
        let (head, body) = request.split_at(len.min(HEAD));
        let head = Fields(head);
        let unique = head.u64(8);
        match server.answer(head.u32(4), head.u64(16), body) {
            Answer::None => {}
            Answer::Now(reply) => send(&dev, unique, &reply),
            Answer::Flushed => flushed.send(unique, Ok(Vec::new())),
            Answer::Read(reply) => read.send(unique, reply),
        }
    }
}

/// What comes of a request.
enum Answer {
    None,
    Now(Reply),
    Flushed,
    Read(Reply),
}

struct Server {
    image: File,
    /// Bytes.
    size: u64,
    counts: Counts,
}

impl Server {
    /// Does what a request to `node` says, of which `body` is what follows its head.
    fn answer(&mut self, what: u32, node: u64, body: &[u8]) -> Answer {
        let fields = Fields(body);
        let done = |out: Out| Answer::Now(Ok(out.0));
        let out = Out::default();
        match what {
            op::INIT => done(
                // As much as is read ahead is left as it is; 64 requests in the background, congested at 48.
                out.u32(&[7, 31, fields.u32(8), FEATURES])
                    .u16(&[64, 48])
                    .u32(&[MOST as u32, 1])
                    .u16(&[(MOST / 4096) as u16, 0])
                    .u32(&[0; 8]),
            ),
            op::LOOKUP => {
                let node = match body {
                    b"disk\0" => node::DISK,
                    b"counts\0" => node::COUNTS,
                    _ => return Answer::Now(Err(libc::ENOENT)),
                };
                done(
                    out.u64(&[node, 0, VALID, VALID])
                        .u32(&[0, 0])
                        .attr(node, self.size),
                )
            }
            op::GETATTR | op::SETATTR => done(out.u64(&[VALID]).u32(&[0, 0]).attr(node, self.size)),
            op::OPEN | op::OPENDIR => {
                let direct = if node == node::COUNTS { OPEN_DIRECT } else { 0 };
                done(out.u64(&[node]).u32(&[direct, 0]))
            }
            op::READ => {
                let (offset, len) = (fields.u64(8), fields.u32(16) as usize);
                if node == node::COUNTS {
                    let text = self.counts.text().into_bytes();
                    let rest = text.get(offset as usize..).unwrap_or_default();
                    return Answer::Now(Ok(rest.to_vec()));
                }
                self.counts.reads += 1;
                let mut data = vec![0; len.min(MOST)];
                Answer::Read(match self.image.read_at(&mut data, offset) {
                    Ok(len) => {
                        data.truncate(len);
                        Ok(data)
                    }
                    Err(e) => Err(e.raw_os_error().unwrap_or(libc::EIO)),
                })
            }
            op::WRITE => {
                let (offset, data) = (fields.u64(8), body.get(40..).unwrap_or_default());
                match self.image.write_all_at(data, offset) {
                    Ok(()) => {
                        self.counts.writes += 1;
                        self.counts.bytes += data.len() as u64;
                        done(out.u32(&[data.len() as u32, 0]))
                    }
                    Err(e) => Answer::Now(Err(e.raw_os_error().unwrap_or(libc::EIO))),
                }
            }
            op::FSYNC => {
                self.counts.flushes += 1;
                Answer::Flushed
            }
            op::FALLOCATE => {
                let mode = FallocateFlags::from_bits_truncate(fields.u32(24) as i32);
                let (offset, len) = (fields.u64(8) as i64, fields.u64(16) as i64);
                match fallocate(&self.image, mode, offset, len) {
                    Ok(()) => done(out),
                    Err(e) => Answer::Now(Err(e as i32)),
                }
            }
            op::STATFS => done(
                out.u64(&[self.size / 4096, 0, 0, 0, 0])
                    .u32(&[4096, 255, 4096, 0])
                    .u32(&[0; 6]),
            ),
            op::FLUSH | op::RELEASE | op::RELEASEDIR | op::ACCESS | op::DESTROY => done(out),
            op::FORGET | op::BATCH_FORGET | op::INTERRUPT => Answer::None,
            _ => Answer::Now(Err(libc::ENOSYS)),
        }
    }
}
