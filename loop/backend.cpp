// What the backends share: the state machine of an operation, and the choice between them. It
// refuses to guess: a backend that was asked for by name is made or fails, and only `automatic`
// falls back, once with an explanation.
#include "loop/backend.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/core.h>
#include <memory>
#include <utility>

#include "loop/check.hpp"
#include "loop/epoll_backend.hpp"
#include "loop/error.hpp"
#include "loop/log.hpp"
#include "loop/sim_backend.hpp"
#include "loop/sim_options.hpp"
#include "loop/uring_backend.hpp"

namespace mayhem {

std::expected<backend_kind, std::string> parse_backend(std::string_view name) {
    if (name == "auto" || name == "automatic") return backend_kind::automatic;
    if (name == "uring" || name == "io_uring") return backend_kind::uring;
    if (name == "epoll") return backend_kind::epoll;
    if (name == "sim") return backend_kind::sim;
    return std::unexpected(
        fmt::format("unknown backend \"{}\": choose auto, uring (io_uring), epoll or sim", name));
}

namespace {

// The administrator's switch; 0 when the kernel does not have it.
int io_uring_disabled() noexcept {
    int value = 0;
    if (std::FILE* file = std::fopen("/proc/sys/kernel/io_uring_disabled", "re")) {
        if (std::fscanf(file, "%d", &value) != 1) value = 0;
        std::fclose(file);
    }
    return value;
}

// Why the kernel refused, and what to do about it.
std::string explain_refusal(int error) {
    switch (error) {
        case EPERM:
        case EACCES:
            if (const int value = io_uring_disabled(); value != 0) {
                return fmt::format(
                    "it is switched off by kernel.io_uring_disabled={}; "
                    "`sysctl kernel.io_uring_disabled=0` allows it",
                    value);
            }
            return "a seccomp profile forbids it, as containers' default ones do; "
                   "allow io_uring_setup, io_uring_enter and io_uring_register in the profile";
        case ENOSYS:
            return "the kernel was built without it, or a sandbox hides it; "
                   "use Linux 5.19 or newer, or allow io_uring_setup in the sandbox";
        case ENOMEM:
            return "there is not enough lockable memory; raise `ulimit -l` (RLIMIT_MEMLOCK)";
        case EMFILE:
        case ENFILE:
            return "no descriptor is free; raise `ulimit -n` (RLIMIT_NOFILE)";
        case EOPNOTSUPP:
            return "the kernel's version of it lacks operations that are needed; "
                   "use Linux 5.19 or newer";
        default:
            return "the kernel's answer is not one that is known";
    }
}

// Once per process: a program with many loops need not be told many times.
void log_refusal(const std::error_code& error) {
    static std::atomic<bool> told{false};
    if (told.exchange(true, std::memory_order_relaxed)) return;
    log_message(log_level::warning,
                fmt::format("io_uring is not available ({}): {}. Using epoll; MAYHEM_BACKEND=epoll "
                            "chooses it without this warning.",
                            error.message(), explain_refusal(error.value())));
}

// The user's wish from the environment; `automatic` when there is none.
std::expected<backend_kind, std::error_code> backend_from_environment() {
    const char* const name = std::getenv("MAYHEM_BACKEND");
    if (name == nullptr || *name == '\0') return backend_kind::automatic;
    auto kind = parse_backend(name);
    if (kind.has_value()) return *kind;
    log_message(log_level::error, fmt::format("MAYHEM_BACKEND: {}", kind.error()));
    return std::unexpected(errno_code(EINVAL));
}

}  // namespace

std::expected<std::unique_ptr<backend>, std::error_code> make_backend(
    backend_kind kind, ready_queue& ready, const sim_options& simulation) {
    if (kind == backend_kind::automatic) {
        const auto wish = backend_from_environment();
        if (!wish.has_value()) return std::unexpected(wish.error());
        kind = *wish;
    }
    if (kind == backend_kind::epoll) return epoll_backend::create(ready);
    if (kind == backend_kind::sim) return sim_backend::create(ready, simulation);
    auto made = uring_backend::create(ready);
    if (made.has_value() || kind == backend_kind::uring) return made;
    log_refusal(made.error());
    return epoll_backend::create(ready);
}

std::expected<std::unique_ptr<backend>, std::error_code> make_backend(backend_kind kind,
                                                                      ready_queue& ready) {
    return make_backend(kind, ready, sim_options());
}

}  // namespace mayhem
