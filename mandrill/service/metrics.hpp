// Counters of this process, in Prometheus' text format. What must be exact (the summary, what was
// lost) is read from the database instead; these are for graphs.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace mandrill {

struct metrics {
    std::uint64_t pulled = 0;
    std::uint64_t saved = 0;
    std::uint64_t restarted = 0;
    std::uint64_t recovered = 0;  ///< found restarted already, by a delivery that had died
    std::uint64_t restart_failed = 0;
    std::uint64_t extended = 0;
    std::uint64_t leases_lost = 0;
    std::uint64_t acked = 0;
    std::uint64_t nacked = 0;
    std::uint64_t dead_lettered = 0;
    std::uint64_t rejected = 0;  ///< requests that were malformed or named an unknown host
    std::chrono::milliseconds handling_total{0};

    /// The text format of a Prometheus scrape.
    [[nodiscard]] std::string to_text() const;

    /// Writes `to_text` to `file`, atomically: whoever reads it sees the old or the new one.
    /// Blocks; throws std::system_error.
    void write_to(const std::filesystem::path& file) const;
};

}  // namespace mandrill
