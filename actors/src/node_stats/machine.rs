//! Reads processors, memory and interfaces. Blocks: call it on a thread, never on an arbiter.

use std::time::Instant;

use sysinfo::{Networks, System};

use super::interface_load::{InterfaceReading, Interfaces, to_f64};

/// The machine's numbers, as far as it tells them.
#[derive(Debug)]
pub(super) struct MachineReading {
    pub(super) at: Instant,
    pub(super) cpu_percent: Option<f64>,
    pub(super) memory_percent: Option<f64>,
    pub(super) interfaces: Interfaces,
}

/// Keeps what a reading is compared with.
pub(super) struct Machine {
    system: Option<System>,
    networks: Option<Networks>,
    readings: u64,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { system: System::new().ok(), networks: Networks::new().ok(), readings: 0 }
    }

    /// Reads everything once. The first reading knows no processor load: there is nothing before.
    pub(super) fn read(&mut self) -> MachineReading {
        let (mut cpu_percent, mut memory_percent) = (None, None);
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            system.refresh_memory();
            let usage = f64::from(system.global_cpu_usage());
            cpu_percent = (self.readings > 0 && usage.is_finite()).then_some(usage);
            memory_percent = memory_percent_of(system);
        }
        self.readings += 1;
        let interfaces = self.networks.as_mut().map(interfaces_of).unwrap_or_default();
        MachineReading { at: Instant::now(), cpu_percent, memory_percent, interfaces }
    }
}

/// Of the control group's limit where it is below the machine's memory.
fn memory_percent_of(system: &System) -> Option<f64> {
    let machine = system.total_memory();
    let limited = system
        .cgroup_limits()
        .filter(|group| group.total_memory > 0 && (machine == 0 || group.total_memory < machine));
    let (used, total) = match limited {
        Some(group) => (group.total_memory.saturating_sub(group.free_memory), group.total_memory),
        None => (machine.saturating_sub(system.available_memory()), machine),
    };
    (total > 0).then(|| to_f64(used) * 100.0 / to_f64(total))
}

fn interfaces_of(networks: &mut Networks) -> Interfaces {
    networks.refresh(true);
    let readings = networks.iter().map(|(name, data)| {
        let name = name.to_string_lossy().into_owned();
        let reading = InterfaceReading {
            received_bytes: data.total_received(),
            sent_bytes: data.total_transmitted(),
            link_bits_per_second: data.transmit_link_speed(),
            is_loopback: name == "lo" || name == "lo0",
        };
        (name, reading)
    });
    readings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_read_twice() {
        let mut machine = Machine::new();
        let first = machine.read();
        let second = machine.read();
        assert!(second.at >= first.at);
        for percent in [second.cpu_percent, second.memory_percent].into_iter().flatten() {
            assert!((0.0..=100.1).contains(&percent), "{percent}");
        }
    }
}
