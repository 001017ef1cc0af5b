// The errors that this library throws by itself. Errors of the kernel travel as
// `std::system_error`; `cancelled` is declared with the tasks, because only tasks are cancelled.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace mayhem {

/// The loop was used against its rules: closed, already running, from the wrong thread.
/// asyncio raises RuntimeError in the same places.
class loop_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The loop is closed; nothing can be scheduled on it any more.
class loop_closed : public loop_error {
  public:
    loop_closed() : loop_error("Event loop is closed") {}
};

/// The error code of an errno value; operations report errors as negative errno, so the sign of
/// `error` does not matter.
inline std::error_code errno_code(int error) noexcept {
    return {error < 0 ? -error : error, std::system_category()};
}

/// Throws the `std::system_error` of an errno value (of either sign), with `what` in front.
[[noreturn]] inline void throw_errno(int error, const std::string& what) {
    throw std::system_error(errno_code(error), what);
}

}  // namespace mayhem
