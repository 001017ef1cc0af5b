// An exception_ptr as the one word that it consists of, for who has no more room than that, and
// shares it with something else: see task_base.
//
// Moved by bytes, which is what moving one amounts to in libstdc++ and libc++: a pointer, and null
// is none. (As an object in the place of another pointer it would be something that compilers take
// for memory apart, and reorder.)
#pragma once

#include <cstring>
#include <exception>
#include <memory>
#include <utility>

namespace mayhem::detail {

static_assert(sizeof(std::exception_ptr) == sizeof(void*));

/// The word owns what the pointer owned.
[[nodiscard]] inline void* to_word(std::exception_ptr error) noexcept {
    void* word = nullptr;
    std::memcpy(&word, &error, sizeof word);
    std::construct_at(&error);  // it has nothing to release any more
    return word;
}

/// Takes over what the word owned.
[[nodiscard]] inline std::exception_ptr from_word(void* word) noexcept {
    std::exception_ptr error;
    std::memcpy(static_cast<void*>(&error), &word, sizeof word);
    return error;
}

/// Another reference to what the word owns.
[[nodiscard]] inline std::exception_ptr copy_of_word(void* word) noexcept {
    std::exception_ptr owner = from_word(word);
    std::exception_ptr copy = owner;
    static_cast<void>(to_word(std::move(owner)));  // it is the word that owns
    return copy;
}

}  // namespace mayhem::detail
