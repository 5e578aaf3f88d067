//! Reads what the system says of this process. Blocks for a moment: call it on a thread.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

/// This process in numbers, as far as the system tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessReading {
    /// Processor time of all threads, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// Memory that is really there, in bytes.
    pub resident_bytes: Option<u64>,
    /// Addresses taken, in bytes.
    pub virtual_bytes: Option<u64>,
    /// When it started, in unix seconds.
    pub started_unix_s: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<usize>,
    /// How many it may have.
    pub descriptors_max: Option<usize>,
}

impl ProcessReading {
    /// Reads everything once.
    #[must_use]
    pub fn now() -> Self {
        let (Ok(mut system), Ok(id)) = (System::new(), get_current_pid()) else {
            return Self::default();
        };
        let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, wanted);
        let Some(process) = system.process(id) else {
            return Self::default();
        };
        Self {
            cpu_ms: Some(process.accumulated_cpu_time()),
            resident_bytes: Some(process.memory()),
            virtual_bytes: Some(process.virtual_memory()),
            started_unix_s: Some(process.start_time()),
            descriptors: process.open_files(),
            descriptors_max: process.open_files_limit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn this_process_is_read() {
        let _open = std::fs::File::open("/proc/self/stat").unwrap();
        let reading = ProcessReading::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let started = reading.started_unix_s.unwrap();
        assert!(started <= now + 1 && now - started < 86_400, "{started} {now}");
        assert!(reading.resident_bytes.unwrap() > 1 << 20);
        assert!(reading.virtual_bytes >= reading.resident_bytes);
        assert!(reading.descriptors.unwrap() >= 4);
        assert!(reading.descriptors_max >= reading.descriptors);
        assert!(reading.cpu_ms.is_some());
    }
}
