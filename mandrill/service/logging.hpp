// How the service's log looks: the talk's lines on a terminal, JSON lines for machines.
//
//     13:15:31,250 INFO: Pulled Message(inst_name='cattle-zpsk')
//     {"time":"2024-05-01T13:15:31.250Z","level":"INFO","message":"Pulled ..."}
#pragma once

#include <string>

#include "loop/log.hpp"

namespace mandrill {

enum class log_format { text, json };

/// Sends the process's log to standard error: one write per line, coloured by level when standard
/// error is a terminal, the format is text and NO_COLOR is not set.
void set_up_logging(log_format format, mayhem::log_level lowest);

/// One line, without the line break; for tests, and for the sink.
[[nodiscard]] std::string format_text(const mayhem::log_record& record, bool coloured);
[[nodiscard]] std::string format_json(const mayhem::log_record& record);

}  // namespace mandrill
