//! A disk that runs something in the middle of what the log does.

use super::*;

pub(super) type Interrupt = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A disk that runs something, once, just before a block is read or written.
pub(super) struct Interrupting {
    disk: SimDisk,
    interrupt: Interrupt,
}

struct InterruptingFile {
    file: Box<dyn DiskFile>,
    interrupt: Interrupt,
}

impl Interrupting {
    pub(super) fn bench(disk: &SimDisk, interrupt: &Interrupt) -> Bench {
        let interrupting = Arc::new(Self {
            disk: disk.clone(),
            interrupt: Arc::clone(interrupt),
        });
        let (log, stepper, recovery) =
            Log::open_stepped(Path::new(DIR), config(), interrupting).unwrap();
        Bench {
            disk: disk.clone(),
            log,
            stepper,
            recovery,
        }
    }

    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let interrupt = Arc::clone(&self.interrupt);
        Box::new(InterruptingFile { file, interrupt })
    }
}

impl InterruptingFile {
    fn interrupt(&self, offset: u64) {
        if PAGE <= offset {
            let interrupt = self.interrupt.lock().unwrap().take();
            interrupt.into_iter().for_each(|run| run());
        }
    }
}

impl Disk for Interrupting {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.file(file))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path).map(|file| self.file(file))
    }
    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create_direct(path).map(|file| self.file(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(dir)
    }
}

impl DiskFile for InterruptingFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.interrupt(offset);
        self.file.pread(buf, offset)
    }
    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.interrupt(offset);
        self.file.pwrite(buf, offset)
    }
    fn fdatasync(&self) -> io::Result<()> {
        self.file.fdatasync()
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
