//! Libraries of the system that are opened when they are first needed, as tables of functions.

use super::GpuError;
use bfc_schedule::visible;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{CStr, OsString, c_char};

/// A library, and where it is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// Its name in messages.
    pub(super) name: &'static str,
    /// The variable that names its file.
    pub(super) variable: &'static str,
    /// File names, tried in this order unless the variable is set.
    pub(super) files: &'static [&'static str],
    /// Where it comes from.
    pub(super) remedy: &'static str,
}

/// An open library.
pub(super) struct Open {
    source: Source,
    file: OsString,
    library: Library,
}

impl Source {
    /// Opens the library: `file` alone, or that of the variable alone, or the first of the usual ones.
    pub(super) fn open(self, file: Option<OsString>) -> Result<Open, GpuError> {
        let named = file.or_else(|| std::env::var_os(self.variable).filter(|file| !file.is_empty()));
        let files = named.map_or_else(|| self.files.iter().map(OsString::from).collect(), |file| vec![file]);
        let mut reasons = vec![];
        for file in files {
            // Threads of a library may outlive the last use of it: it stays for as long as the process.
            let flags = RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE;
            // SAFETY: the initialisers of these libraries do not touch this program.
            match unsafe { Library::open(Some(&file), flags) } {
                Ok(library) => return Ok(Open { source: self, file, library }),
                Err(error) => reasons.push(visible::line(&error.to_string()).into_owned()),
            }
        }
        let Self { name, variable, remedy, .. } = self;
        Err(GpuError::NoLibrary { library: name, reason: reasons.join("; "), remedy, variable })
    }
}

impl Open {
    /// A function of the library.
    ///
    /// # Safety
    /// `F` is the type of the function of that name. It is called only as long as the library is open.
    pub(super) unsafe fn symbol<F: Copy>(&self, symbol: &'static CStr) -> Result<F, GpuError> {
        let Source { name, variable, remedy, .. } = self.source;
        // SAFETY: the caller's.
        let found = unsafe { self.library.get::<F>(symbol.to_bytes_with_nul()) };
        found.map(|symbol| *symbol).map_err(|_| GpuError::NoSymbol {
            library: name,
            file: visible::line(&self.file.to_string_lossy()).into_owned(),
            symbol: symbol.to_str().unwrap_or("?"),
            remedy,
            variable,
        })
    }
}

/// A table of functions of a library, each looked up by its own name.
macro_rules! table {
    ($(#[$documentation:meta])* $table:ident { $($name:ident = $symbol:literal ($($argument:ty),*);)* }) => {
        $(#[$documentation])*
        pub(super) struct $table {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) -> std::ffi::c_int,)*
            _open: $crate::gpu::loader::Open,
        }

        impl $table {
            /// Looks all functions up.
            fn new(open: $crate::gpu::loader::Open) -> Result<Self, $crate::gpu::GpuError> {
                // SAFETY: the types are those that the library's header gives these functions, and the table keeps it open.
                unsafe { Ok(Self { $($name: open.symbol($symbol)?,)* _open: open }) }
            }
        }
    };
}
pub(super) use table;

/// A text of a library, which stays valid.
pub(super) fn text(address: *const c_char) -> String {
    if address.is_null() {
        return "no reason given".to_owned();
    }
    // SAFETY: it is a constant of the library, which ends with a zero.
    let text = unsafe { CStr::from_ptr(address) };
    visible::line(text.to_string_lossy().trim()).into_owned()
}
