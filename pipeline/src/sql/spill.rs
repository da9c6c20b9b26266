//! Files for what queries cannot hold in memory, written for queries that go on.
//!
//! A sort that spills merges all it holds into a file in one step without a yield, and takes a refusal of memory for a
//! reason to write: what is written asks.

use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result as DataFusionResult;
use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::Stream;

use super::stoppable::End;

/// `disk` for one query. What it writes counts against the space of all.
pub(super) fn until(end: &End, disk: &Arc<DiskManager>) -> DataFusionResult<Arc<DiskManager>> {
    let files = Arc::new(Files {
        disk: Arc::clone(disk),
        end: end.clone(),
    });
    let builder = DiskManagerBuilder::default().with_temp_file_factory(files);
    Ok(Arc::new(builder.build()?))
}

struct Files {
    disk: Arc<DiskManager>,
    end: End,
}

impl TempFileFactory for Files {
    fn create_temp_file(&self, description: &str) -> DataFusionResult<Arc<dyn SpillFile>> {
        self.end.check()?;
        Ok(Arc::new(File {
            file: self.disk.create_tmp_file(description)?,
            end: self.end.clone(),
        }))
    }
}

struct File {
    file: Arc<dyn SpillFile>,
    end: End,
}

impl SpillFile for File {
    fn path(&self) -> Option<&Path> {
        self.file.path()
    }

    fn size(&self) -> Option<u64> {
        self.file.size()
    }

    fn read_stream(
        &self,
    ) -> DataFusionResult<Pin<Box<dyn Stream<Item = DataFusionResult<Bytes>> + Send>>> {
        self.file.read_stream()
    }

    fn open_writer(&self) -> DataFusionResult<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer {
            file: self.file.open_writer()?,
            end: self.end.clone(),
        }))
    }
}

struct Writer {
    file: Box<dyn SpillWriter>,
    end: End,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.end.check().map_err(io::Error::other)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> DataFusionResult<()> {
        self.file.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use datafusion::execution::disk_manager::DiskManagerMode;
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn what_is_spilled_can_be_read_again_and_counts_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let mode = DiskManagerMode::Directories(vec![dir.path().to_path_buf()]);
        let disk = DiskManagerBuilder::default().with_mode(mode);
        let disk = Arc::new(disk.with_max_temp_directory_size(8).build().unwrap());
        let end = End::after(Duration::from_secs(3_600), Arc::default());
        let own = until(&end, &disk).unwrap();
        assert!(own.tmp_files_enabled());
        let file = own.create_tmp_file("a test").unwrap();
        let mut writer = file.open_writer().unwrap();
        writer.write_all(b"12345").unwrap();
        let error = writer.write_all(b"6789").unwrap_err().to_string();
        assert!(error.contains("limit"), "{error}");
        writer.finish().unwrap();
        assert_eq!((file.size(), disk.used_disk_space()), (Some(5), 5));
        let read: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
        assert_eq!(read.concat(), b"12345");
        drop((writer, file));
        assert_eq!(disk.used_disk_space(), 0);
    }

    #[test]
    fn nothing_is_written_for_a_query_that_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mode = DiskManagerMode::Directories(vec![dir.path().to_path_buf()]);
        let disk = Arc::new(
            DiskManagerBuilder::default()
                .with_mode(mode)
                .build()
                .unwrap(),
        );
        let end = End::after(Duration::from_secs(3_600), Arc::default());
        let own = until(&end, &disk).unwrap();
        let file = own.create_tmp_file("a test").unwrap();
        let mut writer = file.open_writer().unwrap();
        writer.write_all(b"1").unwrap();
        end.given_up.cancel();
        writer.write_all(b"2").unwrap_err();
        assert_eq!(file.size(), Some(1));
        assert!(own.create_tmp_file("a test").is_err());
    }
}
