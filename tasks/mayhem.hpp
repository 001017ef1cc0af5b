// Everything: one include for users who do not want to choose.
#pragma once

#include "loop/event_loop.hpp"
#include "loop/log.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/future.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/executor.hpp"
#include "tasks/run.hpp"
#include "tasks/sleep.hpp"
#include "tasks/threadsafe.hpp"
