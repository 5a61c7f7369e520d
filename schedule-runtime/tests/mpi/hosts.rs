//! Two hosts on one machine: network namespaces with a wire between them, and a name for each, so that MPI takes its way over
//! TCP. They end with this program, however it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub const NAMES: [&str; 2] = ["nodea", "nodeb"];
const ADDRESSES: [&str; 2] = ["10.77.0.1", "10.77.0.2"];

pub struct Hosts {
    /// Each holds the namespaces of a host until its standard input ends.
    holders: Vec<Child>,
    folder: TempDir,
}

impl Hosts {
    /// `Err` says why there can be none here.
    pub fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut hosts = Self { holders: vec![], folder };
        let names = NAMES.iter().zip(ADDRESSES).map(|(name, address)| format!("{address} {name}\n"));
        hosts.write("hosts", &format!("127.0.0.1 localhost\n{}", names.collect::<String>()))?;
        for name in NAMES {
            hosts.start(name)?;
        }
        let [first, second] = [0, 1].map(|host: usize| hosts.holders[host].id().to_string());
        let link = ["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", &second];
        succeed(Command::new("nsenter").args(["-t", &first, "-n", "ip"]).args(link))?;
        for (pid, address) in [first, second].iter().zip(ADDRESSES) {
            let up = format!("ip addr add {address}/24 dev eth0 && ip link set eth0 up");
            succeed(Command::new("nsenter").args(["-t", pid, "-n", "sh", "-c", &up]))?;
        }
        hosts.write_agent()?;
        Ok(hosts)
    }

    fn start(&mut self, name: &str) -> Result<(), String> {
        let script = "hostname \"$1\" && mount --bind \"$2\" /etc/hosts && ip link set lo up && echo ready && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--net", "--uts", "--mount", "sh", "-c", script, "sh", name])
            .arg(self.folder.path().join("hosts"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`unshare` does not start: {error}"))?;
        let mut line = String::new();
        let stdout = BufReader::new(holder.stdout.as_mut().expect("a pipe")).read_line(&mut line);
        if stdout.is_ok() && line == "ready\n" {
            self.holders.push(holder);
            return Ok(());
        }
        let mut reason = String::new();
        let _ = holder.stderr.take().expect("a pipe").read_to_string(&mut reason);
        let _ = holder.wait();
        Err(reason.trim().to_owned())
    }

    /// What starts a program on a host, as `ssh` would: options, the host, and a command for a shell.
    fn write_agent(&self) -> Result<(), String> {
        let host = |(name, holder): (&&str, &Child)| format!("    {name}) holder={} ;;\n", holder.id());
        let cases: String = NAMES.iter().zip(&self.holders).map(host).collect();
        let script = format!(
            "#!/bin/sh\nwhile [ \"${{1#-}}\" != \"$1\" ]; do shift; done\ncase \"$1\" in\n{cases}esac\nshift\nexec nsenter -t $holder -n -u -m sh -c \"$*\"\n"
        );
        self.write("agent", &script)?;
        let executable = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(self.folder.path().join("agent"), executable).map_err(|e| e.to_string())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        std::fs::write(self.folder.path().join(name), text).map_err(|error| error.to_string())
    }

    /// `mpirun` on the first host, with two ranks on each; a rank that ends does not end the others.
    pub fn mpirun(&self) -> Command {
        let version = Command::new("mpirun").arg("--version").output().expect("mpirun").stdout;
        let agent = self.folder.path().join("agent").display().to_string();
        let hosts = NAMES.map(|name| format!("{name}:2")).join(",");
        let options: &[&str] = match String::from_utf8_lossy(&version).contains("Open MPI") {
            true => &["--mca", "plm_rsh_agent", &agent, "--enable-recovery", "-H", &hosts],
            false => {
                &["-launcher", "ssh", "-launcher-exec", &agent, "-disable-auto-cleanup", "-hosts", &hosts]
            }
        };
        let mut command = Command::new("nsenter");
        let holder = self.holders[0].id().to_string();
        command.args(["-t", &holder, "-n", "-u", "-m", "timeout", "-k", "5", "200", "mpirun"]);
        command.args(options).args(["-n", "4"]);
        command
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            drop(holder.stdin.take());
            let _ = holder.wait();
        }
    }
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("`{command:?}` does not start: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
