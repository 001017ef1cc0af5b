// Functions as people call them: compilers have other names for coroutines and lambdas.
#pragma once

#include <string>
#include <string_view>

namespace mayhem {

/// `app::save` from what the compiler calls a function. Compilers differ, and g++ 12 calls the body
/// of a coroutine `void app::save(app::save(int)::_ZN3app4saveEi.Frame*)`. A lambda is named after
/// the function it is in: `app::save::<lambda>`.
[[nodiscard]] std::string clean_function_name(std::string_view name);

}  // namespace mayhem
