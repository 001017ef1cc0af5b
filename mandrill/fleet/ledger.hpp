// The ledger of boots: one line of JSON for each time that a host came up, written by the host
// itself before it answers anybody. It is how a new owner of the fleet finds the hosts that still
// run, and how a test proves that no request ever booted a host twice.
//
// A line is written by one write() in append mode and flushed to the disk, so that lines of
// different hosts never mix and a line that somebody acted on is never lost. A machine that lost
// power in the middle may leave a torn line: readers step over it and count it.
//
// It refuses to be rewritten. All functions block; hosts and tests may, the fleet uses a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace mandrill {

/// One boot of one host.
struct boot_record {
    std::int64_t at_ms = 0;  ///< when, in milliseconds since 1970
    std::string host;        ///< instance name, `cattle-zpsk`
    std::string boot_id;
    pid_t pid = 0;
    std::uint16_t port = 0;  ///< of its health service, on 127.0.0.1
    std::string request;     ///< what it was restarted for; empty when it was just powered on

    friend bool operator==(const boot_record&, const boot_record&) = default;
};

/// The record as one line of JSON, without the newline.
[[nodiscard]] std::string to_json_line(const boot_record& boot);
/// nullopt when the line is not a whole record.
[[nodiscard]] std::optional<boot_record> parse_boot_record(std::string_view line);

struct ledger_contents {
    std::vector<boot_record> boots;  ///< in the order of writing
    std::size_t damaged_lines = 0;   ///< torn or foreign
};

class ledger {
  public:
    explicit ledger(std::filesystem::path file) : file_(std::move(file)) {}

    /// Writes the record and flushes it to the disk. Throws std::system_error; it is then unknown
    /// whether the line can be read.
    void append(const boot_record& boot) const;

    /// Everything that can be read; nothing if the file does not exist. Throws std::system_error.
    [[nodiscard]] ledger_contents read() const;

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

  private:
    std::filesystem::path file_;
};

/// The latest boot of a host.
[[nodiscard]] std::optional<boot_record> last_boot_of(std::span<const boot_record> boots,
                                                      std::string_view host);
/// The boots that were made for a request: at most one per host, if all is well.
[[nodiscard]] std::vector<boot_record> boots_of(std::span<const boot_record> boots,
                                                std::string_view request);

}  // namespace mandrill
