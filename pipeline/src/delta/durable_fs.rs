//! A local object store whose writes survive a power cut.
//!
//! `LocalFileSystem` renames or links without `fsync`: after a power cut a commit may exist and be empty. Here a
//! file is written under a temporary name, synced, given its name, and the directory is synced.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

/// The root file system, with durable writes.
#[derive(Debug, Clone)]
pub(super) struct DurableFs {
    inner: Arc<LocalFileSystem>,
}

impl DurableFs {
    pub(super) fn new() -> Self {
        Self {
            inner: Arc::new(LocalFileSystem::new()),
        }
    }

    async fn write(&self, location: &Path, payload: PutPayload, mode: Mode) -> Result<PutResult> {
        let path = self.inner.path_to_filesystem(location)?;
        let name = location.to_string();
        let written = tokio::task::spawn_blocking(move || write_durably(&path, &payload, mode))
            .await
            .map_err(|source| Error::JoinError { source })?;
        match written {
            Ok(()) => Ok(PutResult {
                e_tag: None,
                version: None,
            }),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Error::AlreadyExists {
                path: name,
                source: e.into(),
            }),
            Err(e) => Err(Error::Generic {
                store: "DurableFs",
                source: e.into(),
            }),
        }
    }
}

/// What happens when the file is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It is an error: how two writers of one commit are told apart.
    Create,
    /// It is replaced.
    Overwrite,
}

fn write_durably(path: &FsPath, payload: &PutPayload, mode: Mode) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    create_dir_durably(parent)?;
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    // A leading dot keeps readers of the directory from taking it for a commit.
    let temporary = parent.join(format!(".{}-{unique}.tmp", std::process::id()));
    let named = File::create(&temporary).and_then(|mut file| {
        payload.iter().try_for_each(|chunk| file.write_all(chunk))?;
        file.sync_all()?;
        match mode {
            Mode::Create => fs::hard_link(&temporary, path),
            Mode::Overwrite => fs::rename(&temporary, path),
        }
    });
    if mode == Mode::Create || named.is_err() {
        fs::remove_file(&temporary)?;
    }
    named?;
    File::open(parent)?.sync_all()
}

/// Creates `dir` and what is missing above it; each new entry is synced into its parent.
pub(crate) fn create_dir_durably(dir: &FsPath) -> io::Result<()> {
    let missing: Vec<PathBuf> = dir
        .ancestors()
        .take_while(|dir| !dir.exists())
        .map(FsPath::to_owned)
        .collect();
    for dir in missing.iter().rev() {
        match fs::create_dir(dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            Ok(()) | Err(_) => {}
        }
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

impl fmt::Display for DurableFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableFs({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for DurableFs {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        match opts.mode {
            PutMode::Create => self.write(location, payload, Mode::Create).await,
            PutMode::Overwrite => self.write(location, payload, Mode::Overwrite).await,
            PutMode::Update(_) => self.inner.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload {
            store: self.clone(),
            location: location.clone(),
            parts: Vec::new(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A checkpoint on its way; a few megabytes, gathered so that it is synced before it has its name.
#[derive(Debug)]
struct Upload {
    store: DurableFs,
    location: Path,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data);
        Box::pin(std::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let payload = self.parts.drain(..).flatten().collect();
        self.store
            .write(&self.location, payload, Mode::Overwrite)
            .await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn a_second_writer_of_one_name_is_refused_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = DurableFs::new();
        let path = Path::from_absolute_path(dir.path().join("new/0.json")).unwrap();
        let create = || PutOptions {
            mode: PutMode::Create,
            ..Default::default()
        };
        store
            .put_opts(&path, "first".into(), create())
            .await
            .unwrap();
        let second = store.put_opts(&path, "second".into(), create()).await;
        assert!(
            matches!(second, Err(Error::AlreadyExists { .. })),
            "{second:?}"
        );
        let read = store.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(read, "first");
        store.put(&path, "third".into()).await.unwrap();
        let names: Vec<_> = fs::read_dir(dir.path().join("new"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["0.json"]);
    }
}
