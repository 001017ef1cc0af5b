#include "loop/sim_faults.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <new>
#include <string_view>

#include "loop/error.hpp"

namespace mayhem {

namespace {

constexpr std::uint64_t default_seed = 1;

std::uint64_t seed_from_environment() noexcept {
    const char* const text = std::getenv("MAYHEM_SEED");
    if (text == nullptr) return default_seed;
    std::uint64_t seed = default_seed;
    const std::string_view digits(text);
    std::from_chars(digits.data(), digits.data() + digits.size(), seed);
    return seed;
}

constexpr std::array no_descriptor{EMFILE, ENFILE};
constexpr std::array no_socket{EMFILE, ENFILE, ENOBUFS};
constexpr std::array no_name{EADDRINUSE, EACCES};
constexpr std::array nobody_listens{ECONNREFUSED, ETIMEDOUT};
constexpr std::array no_connection{EMFILE, ENFILE, ENOBUFS, ECONNABORTED};
constexpr std::array no_room{ENOBUFS};
constexpr std::array lost_peer{ECONNRESET, ETIMEDOUT};
constexpr std::array lost_reader{EPIPE, ECONNRESET};
constexpr std::array broken_pipe{EPIPE};
constexpr std::array no_file{EMFILE, ENFILE, EACCES, EIO};
constexpr std::array bad_disk{EIO};
constexpr std::array full_disk{ENOSPC, EIO};

}  // namespace

std::string_view to_string(sim_call call) noexcept {
    constexpr std::array<std::string_view, 24> names{
        "socket", "socketpair", "pipe",        "bind",        "listen",     "connect",
        "accept", "shutdown",   "getsockname", "getpeername", "getsockopt", "setsockopt",
        "fcntl",  "recv",       "send",        "read",        "write",      "poll",
        "openat", "statx",      "fsync",       "file_read",   "file_write", "close"};
    return names.at(static_cast<std::size_t>(call));
}

std::span<const int> legal_errors(sim_call call) noexcept {
    switch (call) {
        case sim_call::socket:
            return no_socket;
        case sim_call::socketpair:
        case sim_call::pipe:
            return no_descriptor;
        case sim_call::bind:
            return no_name;
        case sim_call::connect:
            return nobody_listens;
        case sim_call::accept:
            return no_connection;
        case sim_call::getsockname:
        case sim_call::getpeername:
            return no_room;
        case sim_call::recv:
            return lost_peer;
        case sim_call::send:
            return lost_reader;
        case sim_call::write:
            return broken_pipe;
        case sim_call::openat:
            return no_file;
        case sim_call::statx:
        case sim_call::file_read:
            return bad_disk;
        case sim_call::fsync:
        case sim_call::file_write:
            return full_disk;
        case sim_call::listen:
        case sim_call::shutdown:
        case sim_call::getsockopt:
        case sim_call::setsockopt:
        case sim_call::fcntl:
        case sim_call::read:
        case sim_call::poll:
        case sim_call::close:
            return {};
    }
    return {};
}

std::string sim_report::to_string() const {
    std::string text = fmt::format("seed {}, {} calls\n", seed, calls);
    for (const sim_event& event : events) {
        text += fmt::format("{:>12} ns  {} = {}\n", event.at.count(), mayhem::to_string(event.call),
                            event.result);
    }
    return text;
}

sim_options sim_options::rough(std::uint64_t seed) {
    sim_options made;
    made.seed = seed;
    made.delay_max = std::chrono::milliseconds(2);
    made.short_percent = 30;
    made.retry_percent = 10;
    made.end_multishot_percent = 10;
    made.buffer_bytes = 16 * 1024;
    return made;
}

sim_options sim_options::calm() {
    sim_options made;
    made.permute = false;
    made.late_cancel_percent = 0;
    return made;
}

sim_faults::sim_faults(sim_options options)
    : options_(std::move(options)),
      seen_(options_.faults.size()),
      failed_(options_.faults.size()),
      now_(sim_epoch) {
    if (!options_.seed) options_.seed = seed_from_environment();
    state_ = *options_.seed;
    if (options_.report != nullptr) options_.report->seed = *options_.seed;
}

// The step and the mixing of splitmix64: a counter, well stirred, and any seed will do.
std::uint64_t sim_faults::below(std::uint64_t bound) noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return (mixed ^ (mixed >> 31U)) % bound;
}

bool sim_faults::chance(unsigned percent) noexcept { return percent > 0 && below(100) < percent; }

duration sim_faults::delay() noexcept {
    const auto longest = static_cast<std::uint64_t>(options_.delay_max.count());
    return longest == 0 ? duration{0} : duration(static_cast<duration::rep>(below(longest + 1)));
}

int sim_faults::failure_of(sim_call call) noexcept {
    const std::span<const int> errors = legal_errors(call);
    if (!errors.empty()) ++calls_;
    if (options_.report != nullptr) options_.report->calls = calls_;
    if (errors.empty() || calls_ != options_.fail_call) return asked_failure(call);
    const int error = errors[below(errors.size())];
    if (options_.report != nullptr) {
        options_.report->failed_call =
            fmt::format("{}: {}", to_string(call), errno_code(error).message());
    }
    return error;
}

int sim_faults::asked_failure(sim_call call) noexcept {
    for (std::size_t index = 0; index < options_.faults.size(); ++index) {
        const sim_fault& fault = options_.faults[index];
        if (fault.call != call) continue;
        if (seen_[index]++ < fault.skip || failed_[index] >= fault.times) continue;
        if (!chance(fault.percent)) continue;
        ++failed_[index];
        return fault.error;
    }
    return 0;
}

std::int32_t sim_faults::note(sim_call call, std::int32_t result) noexcept {
    if (options_.report == nullptr) return result;
    const bool is_real_number = call == sim_call::openat && result > 0;
    try {
        options_.report->events.push_back({now_ - sim_epoch, call, is_real_number ? 0 : result});
    } catch (const std::bad_alloc&) {
        // A trace with a gap is still better than a call that fails for being watched.
    }
    return result;
}

}  // namespace mayhem
