// Asio as its documentation advises for one thread: concurrency hint 1, and coroutines whose
// executor has a type of its own, which spares a virtual call each time. Programs built with
// BENCH_ANY_EXECUTOR use the default, any_io_executor, which is what most code is written with.
#pragma once

// Asio 1.22 does not know that clang has learnt standard coroutines.
#if defined(__clang__) && !defined(ASIO_HAS_CO_AWAIT)
#define ASIO_HAS_CO_AWAIT 1
#define ASIO_HAS_STD_COROUTINE 1
#endif

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace bench {

#ifdef BENCH_ANY_EXECUTOR
using executor = asio::any_io_executor;
#else
using executor = asio::io_context::executor_type;
#endif

template <typename T = void>
using awaitable = asio::awaitable<T, executor>;

inline constexpr asio::use_awaitable_t<executor> use_awaitable{};

using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;

/// One thread runs the context: Asio may leave its locks out.
constexpr int single_thread = 1;

/// Runs one coroutine to its end.
inline void run(asio::io_context& context, awaitable<> body) {
    asio::co_spawn(executor(context.get_executor()), std::move(body), asio::detached);
    context.run();
    context.restart();
}

}  // namespace bench
