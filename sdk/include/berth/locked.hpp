// For a class that does not lock anything itself: BERTH_PLUGIN(berth::Locked<Acme>, ...) instead of BERTH_PLUGIN(Acme,
// ...).
#ifndef BERTH_LOCKED_HPP
#define BERTH_LOCKED_HPP

#include <type_traits>

#include "detail/lock.hpp"

namespace berth::inline sdk_v1 {

/// One method at a time, except those that stream and may last for ever: execute, execute_stream, upload_files,
/// download_files, and get_logs into a sink. If these waited for the lock or held it, a destroy that should end them
/// could never begin. They reach the class's members inside `call.locked([&] { ... })`.
template <class Class>
struct Locked {
    using Wrapped = Class;
};

namespace detail {

template <class Class>
struct Unwrap {
    using Type = Class;
    static constexpr bool locks = false;
};
template <class Class>
struct Unwrap<Locked<Class>> {
    using Type = Class;
    static constexpr bool locks = true;
};

}  // namespace detail
}  // namespace berth::inline sdk_v1

#endif
