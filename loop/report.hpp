// Errors that nobody awaits, on their way to the loop's exception handler.
#pragma once

#include <exception>

#include "loop/event_loop.hpp"

namespace mayhem {

namespace detail {

/// Reports from where nothing may be thrown. `make` gives the context's texts; when there is no
/// memory for them, the exception is reported without.
template <typename MakeContext>
void report(event_loop& loop, const std::exception_ptr& exception, MakeContext make) noexcept {
    try {
        exception_context context = make();
        context.exception = exception;
        loop.call_exception_handler(context);
    } catch (...) {
        loop.call_exception_handler({.message = {}, .exception = exception, .subject = {}});
    }
}

}  // namespace detail

}  // namespace mayhem
