// The C++ face of the contract: include this one file, write a plain class, and end with BERTH_PLUGIN.
//
//     class Acme {
//     public:
//         Acme(berth::Host host, const berth::Settings& settings);
//         berth::SandboxInfo create(berth::Call&, const berth::SandboxConfig&, berth::FileSource& initial_files);
//         berth::SandboxInfo get(berth::Call&, std::string_view id);
//         std::vector<berth::SandboxInfo> list(berth::Call&);
//         void destroy(berth::Call&, std::string_view id);
//         berth::ProcessEnd execute(berth::Call&, std::string_view id, const berth::Process&, berth::ProcessSink&);
//         berth::ProcessEnd execute_stream(berth::Call&, std::string_view id, const berth::Process&,
//                                          berth::ProcessSink&);
//         void upload_files(berth::Call&, std::string_view id, berth::FileSource&);
//         void download_files(berth::Call&, std::string_view id, berth::Paths, berth::FileSink&);
//         berth::Usage get_resource_usage(berth::Call&, std::string_view id);
//         bool is_ready(berth::Call&, std::string_view id);
//         berth::SandboxInfo restart(berth::Call&, std::string_view id);
//         // Optional, offered by being there: create_snapshot, restore_snapshot, get_logs, set_environment_variables,
//         // get_environment_variables; list_snapshots with delete_snapshot; features.
//     };
//     BERTH_PLUGIN(Acme, R"({"name": "acme", "version": "1.0.0"})")
//
// A method that is forgotten or malformed is one error line of the compiler, with the form expected. Methods run on any
// thread and side by side (rule T1); wrap the class in berth::Locked when it locks nothing itself. Failure is a thrown
// berth::Error. Build: g++ -std=c++20 -shared -fPIC -fvisibility=hidden acme.cpp -o acme.so, or berth_add_plugin().
#ifndef BERTH_PROVIDER_HPP
#define BERTH_PROVIDER_HPP

#include "api_client.hpp"
#include "checks.hpp"
#include "detail/table.hpp"
#include "line_reader.hpp"
#include "plugin.h"
#include "polling.hpp"
#include "state.hpp"
#include "websocket.hpp"

/// Makes `CLASS` the plugin of this shared object: once, in one file. `MANIFEST` is a string literal with JSON:
/// name, version, and as wished description, homepage, license, features, config (a JSON Schema). What the class
/// provides is found by the compiler and must not be written there.
///
/// Both notes are namespace-scope objects of types that depend on the class, never templates: sections on template
/// members are unreliable. `used, retain` keep them through strip and --gc-sections.
#define BERTH_PLUGIN(CLASS, MANIFEST)                                                                              \
    namespace {                                                                                                    \
    struct berth_manifest {                                                                                        \
        static constexpr std::string_view text() { return MANIFEST; }                                              \
    };                                                                                                             \
    using berth_plugin_class = ::berth::detail::Unwrap<CLASS>::Type;                                               \
    constexpr bool berth_plugin_class_is_complete [[maybe_unused]] = ::berth::detail::check<berth_plugin_class>(); \
    static_assert(!::berth::detail::promises_follow<berth_plugin_class>(berth_manifest::text()),                   \
                  "Berth: the manifest offers log_follow, which needs the form void get_logs(berth::Call&, "       \
                  "std::string_view id, const berth::LogOptions&, berth::ByteSink&)");                             \
    BERTH_DETAIL_NOTE constexpr auto berth_manifest_note = ::berth::detail::manifest_note(MANIFEST);               \
    BERTH_DETAIL_NOTE constexpr auto berth_provides_note = ::berth::detail::provides_note<berth_plugin_class>();   \
    }                                                                                                              \
    extern "C" BERTH_EXPORT const ::berth_plugin* berth_plugin_v1(std::uint32_t) {                                 \
        return ::berth::detail::plugin_of<CLASS, berth_manifest>();                                                \
    }

#define BERTH_DETAIL_NOTE [[gnu::section(BERTH_NOTE_SECTION), gnu::used, gnu::retain, gnu::aligned(4)]]

#endif
