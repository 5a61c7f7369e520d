//! The MPI of this machine, behind a small library that its own compiler makes of `bridge.c`: a program that can use MPI is
//! built without any, and each machine brings its own.

use crate::storage::Dtype;
use crate::transport::{Fault, ReduceOp};
use bfc_schedule::{Rank, visible};
use libloading::os::unix::{Library as Loaded, RTLD_GLOBAL, RTLD_NOW, Symbol};
use miette::Diagnostic;
use std::ffi::{OsString, c_char, c_int, c_void};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// The source of the library.
const BRIDGE: &str = include_str!("bridge.c");
const VERSION: c_int = 2;
/// How long the end of MPI may take after a failure.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a text of MPI.
const TEXT: usize = 1024;

/// Where the library is, if it is not in its [usual place](usual_place).
pub const VARIABLE: &str = "BFC_MPI";

/// Why there is no MPI.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum MpiError {
    /// The library has not been built.
    #[error("bfc is not connected to the MPI of this machine: there is no {}", shown(.place))]
    #[diagnostic(
        code(bfc::mpi::not_connected),
        help(
            "`bfc mpi` connects it; it needs the MPI compiler, `mpicc`. Another place is named by `BFC_MPI`"
        )
    )]
    NotConnected {
        /// Where it would be.
        place: PathBuf,
    },
    /// The library cannot be loaded, or is not what it should be.
    #[error("{} cannot be loaded: {reason}", shown(.place))]
    #[diagnostic(
        code(bfc::mpi::load),
        help(
            "`bfc mpi` connects bfc anew; the MPI that it was connected to must be found by the loader, as in `LD_LIBRARY_PATH`"
        )
    )]
    Load {
        /// Where it is.
        place: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The library cannot be built.
    #[error("`{compiler}` cannot connect bfc to MPI: {reason}")]
    #[diagnostic(
        code(bfc::mpi::connect),
        help(
            "install an MPI with its compiler, such as libopenmpi-dev or libmpich-dev, or name its compiler: `bfc mpi --compiler PATH`"
        )
    )]
    Connect {
        /// The compiler.
        compiler: String,
        /// What it said.
        reason: String,
    },
    /// MPI reports an error.
    #[error("MPI cannot be started: {reason}")]
    #[diagnostic(
        code(bfc::mpi::start),
        help("start the ranks with the `mpirun` of the MPI that bfc is connected to")
    )]
    Start {
        /// What it said.
        reason: String,
    },
}

fn shown(path: &Path) -> String {
    visible::line(&path.to_string_lossy()).into_owned()
}

/// Where `bfc mpi` puts the library: in the user's data directory.
pub fn usual_place() -> PathBuf {
    usual(&own)
}

/// Where the library is, [named](VARIABLE) or usual.
///
/// # Errors
/// It is not there.
pub fn place() -> Result<PathBuf, MpiError> {
    place_by(&own)
}

/// The same, as these variables say.
pub(crate) fn place_by(get: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, MpiError> {
    let named = get(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let place = named.unwrap_or_else(|| usual(get));
    if place.exists() { Ok(place) } else { Err(MpiError::NotConnected { place }) }
}

fn usual(get: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name: &str| get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    data.unwrap_or_else(|| PathBuf::from("/usr/local/share")).join("bfc/libbfc_mpi.so")
}

/// A variable of this process.
fn own(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Builds the library with the compiler of an MPI, such as `mpicc`, as `output`.
///
/// # Errors
/// There is no such compiler, or it fails.
pub fn connect(compiler: &str, output: &Path) -> Result<(), MpiError> {
    let failed = |reason: String| {
        let compiler = visible::line(compiler).into_owned();
        MpiError::Connect { compiler, reason: visible::line(reason.trim()).into_owned() }
    };
    let system = |error: io::Error| failed(error.to_string());
    // A process may have the old one loaded: it is replaced, not written to.
    let directory: &Path =
        output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(system)?;
    let mut made: OsString = directory.join(format!(".libbfc_mpi-{}", std::process::id())).into();
    made.push(".so");
    let mut building = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O2", "-x", "c", "-", "-o"])
        .arg(&made)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(system)?;
    // A compiler that does not read says why.
    let _ = building.stdin.take().expect("a pipe").write_all(BRIDGE.as_bytes());
    let output_of = building.wait_with_output().map_err(system)?;
    if !output_of.status.success() {
        let _ = std::fs::remove_file(&made);
        let said = String::from_utf8_lossy(&output_of.stderr).into_owned();
        return Err(failed(if said.is_empty() { output_of.status.to_string() } else { said }));
    }
    std::fs::rename(&made, output).map_err(system)
}

type Code = c_int;

/// The functions of the library. MPI is called by one thread at a time.
pub(super) struct Library {
    send: Symbol<unsafe extern "C" fn(u64, *const c_void, c_int, c_int, c_int, *mut u64) -> Code>,
    receive: Symbol<unsafe extern "C" fn(u64, *mut c_void, c_int, c_int, c_int, *mut u64) -> Code>,
    allreduce: Symbol<unsafe extern "C" fn(u64, *mut c_void, c_int, c_int, c_int, *mut u64) -> Code>,
    test: Symbol<unsafe extern "C" fn(*mut u64, *mut c_int) -> Code>,
    cancel: Symbol<unsafe extern "C" fn(*mut u64) -> Code>,
    join: Symbol<unsafe extern "C" fn(*mut u64, *mut c_int, *mut c_int) -> Code>,
    leave: Symbol<unsafe extern "C" fn(u64) -> Code>,
    knows_cuda: Symbol<unsafe extern "C" fn() -> c_int>,
    text: Symbol<unsafe extern "C" fn(c_int, *mut c_char, c_int)>,
    name: Symbol<unsafe extern "C" fn(*mut c_char, c_int)>,
    end: Symbol<unsafe extern "C" fn() -> Code>,
    /// Whether any thread may call, one at a time.
    pub(super) any_thread: bool,
    calls: Mutex<()>,
    _loaded: Loaded,
}

/// A request that has begun. Its memory stays until it is done.
pub(super) struct Request(u64);

impl Library {
    /// The library, with MPI running.
    pub(super) fn get() -> Result<&'static Self, MpiError> {
        static LIBRARY: OnceLock<Library> = OnceLock::new();
        static LOADING: Mutex<()> = Mutex::new(());
        let _one = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = LIBRARY.get() {
            return Ok(library);
        }
        let (library, is_ours) = Self::load()?;
        let library = LIBRARY.get_or_init(|| library);
        if is_ours {
            // SAFETY: the function may be called when the process ends.
            unsafe { libc::atexit(end) };
        }
        extern "C" fn end() {
            let Some(library) = LIBRARY.get() else { return };
            if FAILED.load(Ordering::Relaxed) {
                // MPI waits for all processes, and one of them may have gone without a word.
                std::thread::spawn(|| {
                    std::thread::sleep(PATIENCE);
                    // SAFETY: it ends the process.
                    unsafe { libc::_exit(1) }
                });
            }
            // SAFETY: MPI has been started, and nobody else calls it now.
            unsafe { (library.end)() };
        }
        Ok(library)
    }

    /// And whether it has started MPI.
    fn load() -> Result<(Self, bool), MpiError> {
        let place = place()?;
        let failed = |reason: String| MpiError::Load { place: place.clone(), reason };
        let unloadable = |error: libloading::Error| failed(visible::line(&error.to_string()).into_owned());
        // SAFETY: loading MPI runs its initialisers, which do not touch this program. The types of the functions are those of
        // `bridge.c`, whose version is compared first.
        unsafe {
            // Some MPIs load parts of their own that need their symbols.
            let loaded = Loaded::open(Some(&place), RTLD_NOW | RTLD_GLOBAL).map_err(unloadable)?;
            let version: Symbol<unsafe extern "C" fn() -> c_int> =
                loaded.get(b"bfc_mpi_version").map_err(unloadable)?;
            if version() != VERSION {
                let found = version();
                return Err(failed(format!("it is of version {found}, expected {VERSION}")));
            }
            let start: Symbol<unsafe extern "C" fn(*mut c_int, *mut c_int) -> Code> =
                loaded.get(b"bfc_mpi_start").map_err(unloadable)?;
            let mut library = Self {
                send: loaded.get(b"bfc_mpi_send").map_err(unloadable)?,
                receive: loaded.get(b"bfc_mpi_receive").map_err(unloadable)?,
                allreduce: loaded.get(b"bfc_mpi_allreduce").map_err(unloadable)?,
                test: loaded.get(b"bfc_mpi_test").map_err(unloadable)?,
                cancel: loaded.get(b"bfc_mpi_cancel").map_err(unloadable)?,
                join: loaded.get(b"bfc_mpi_join").map_err(unloadable)?,
                leave: loaded.get(b"bfc_mpi_leave").map_err(unloadable)?,
                knows_cuda: loaded.get(b"bfc_mpi_knows_cuda").map_err(unloadable)?,
                text: loaded.get(b"bfc_mpi_text").map_err(unloadable)?,
                name: loaded.get(b"bfc_mpi_name").map_err(unloadable)?,
                end: loaded.get(b"bfc_mpi_end").map_err(unloadable)?,
                any_thread: false,
                calls: Mutex::new(()),
                _loaded: loaded,
            };
            let (mut started, mut threads) = (0, 0);
            let code = start(&mut started, &mut threads);
            if code != 0 {
                return Err(MpiError::Start { reason: library.explain(code) });
            }
            // Where others have started it, they may call it from other threads, which only its highest level allows.
            library.any_thread = threads == 3 || (threads == 2 && started != 0);
            Ok((library, started != 0))
        }
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of the MPI.
    pub(super) fn name(&self) -> String {
        let _one = self.one_at_a_time();
        // SAFETY: the function writes a text of at most so many bytes.
        text(|text| unsafe { (self.name)(text, TEXT as c_int) })
    }

    /// Whether MPI says that it takes addresses of GPUs.
    pub(super) fn knows_cuda(&self) -> bool {
        let _one = self.one_at_a_time();
        // SAFETY: MPI is running, and the function only answers.
        unsafe { (self.knows_cuda)() == 1 }
    }

    fn explain(&self, code: Code) -> String {
        // SAFETY: as above.
        text(|text| unsafe { (self.text)(code, text, TEXT as c_int) })
    }

    fn check(&self, peer: Rank, code: Code) -> Result<(), Fault> {
        if code == 0 { Ok(()) } else { Err(Fault::System { peer, reason: self.explain(code) }) }
    }

    /// A communicator of its own for all processes: its handle, this rank, and the number of ranks. Collective.
    pub(super) fn join(&self) -> Result<(u64, Rank, u32), MpiError> {
        let _one = self.one_at_a_time();
        let (mut communicator, mut rank, mut size) = (0, 0, 0);
        // SAFETY: MPI is running, and the function writes to its arguments only.
        let code = unsafe { (self.join)(&mut communicator, &mut rank, &mut size) };
        match code {
            0 => Ok((communicator, Rank(rank as u32), size as u32)),
            _ => Err(MpiError::Start { reason: self.explain(code) }),
        }
    }

    /// Frees a communicator, in which nothing is pending.
    pub(super) fn leave(&self, communicator: u64) {
        let _one = self.one_at_a_time();
        // SAFETY: the communicator is one of `join`, which its owner does not use again.
        unsafe { (self.leave)(communicator) };
    }

    /// # Safety
    /// The bytes stay valid until the request is done.
    pub(super) unsafe fn send(
        &self,
        communicator: u64,
        (address, bytes): (*const u8, usize),
        to: Rank,
        tag: c_int,
    ) -> Result<Request, Fault> {
        let _one = self.one_at_a_time();
        let mut request = 0;
        // SAFETY: the caller's.
        let code = unsafe {
            (self.send)(communicator, address.cast(), bytes as c_int, to.0 as c_int, tag, &mut request)
        };
        self.check(to, code).map(|()| Request(request))
    }

    /// # Safety
    /// The bytes stay valid and nobody else's until the request is done.
    pub(super) unsafe fn receive(
        &self,
        communicator: u64,
        (address, bytes): (*mut u8, usize),
        from: Option<Rank>,
        tag: c_int,
    ) -> Result<Request, Fault> {
        let _one = self.one_at_a_time();
        let (mut request, peer) = (0, from.map_or(-1, |from| from.0 as c_int));
        // SAFETY: the caller's.
        let code =
            unsafe { (self.receive)(communicator, address.cast(), bytes as c_int, peer, tag, &mut request) };
        self.check(from.unwrap_or(Rank(0)), code).map(|()| Request(request))
    }

    /// Begins to reduce floats of this type in place. Collective.
    ///
    /// # Safety
    /// The bytes are whole numbers, and stay valid and nobody else's until the request is done.
    pub(super) unsafe fn allreduce(
        &self,
        communicator: u64,
        (address, bytes): (*mut u8, usize),
        dtype: Dtype,
        operation: ReduceOp,
        rank: Rank,
    ) -> Result<Request, Fault> {
        let _one = self.one_at_a_time();
        let operation = match operation {
            ReduceOp::Sum => 0,
            ReduceOp::Min => 1,
            ReduceOp::Max => 2,
        };
        let (mut request, width) = (0, dtype.bytes());
        let (count, width) = ((bytes / width) as c_int, width as c_int);
        // SAFETY: the caller's.
        let code =
            unsafe { (self.allreduce)(communicator, address.cast(), count, width, operation, &mut request) };
        self.check(rank, code).map(|()| Request(request))
    }

    /// Whether a request is done. Once it is, it may be asked again.
    pub(super) fn test(&self, peer: Rank, request: &mut Request) -> Result<bool, Fault> {
        let _one = self.one_at_a_time();
        let mut done = 0;
        // SAFETY: the request is one of this library; MPI sets one that is done to none, of which it says so again.
        let code = unsafe { (self.test)(&mut request.0, &mut done) };
        self.check(peer, code).map(|()| done != 0)
    }

    /// Asks a receive to end.
    pub(super) fn cancel(&self, request: &mut Request) {
        let _one = self.one_at_a_time();
        // SAFETY: as above. Where it cannot be cancelled, it stays.
        unsafe { (self.cancel)(&mut request.0) };
    }
}

/// Whether a group has failed.
pub(super) static FAILED: AtomicBool = AtomicBool::new(false);

fn text(write: impl FnOnce(*mut c_char)) -> String {
    let mut bytes = [0u8; TEXT];
    write(bytes.as_mut_ptr().cast());
    let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(TEXT);
    visible::line(String::from_utf8_lossy(&bytes[..length]).trim()).into_owned()
}
