#include "system_loader_message.hpp"

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

std::string_view before(std::string_view text, std::string_view mark) {
    return text.substr(0, text.find(mark));
}

/// The part behind the last "mark" and up to white space, a comma or the end.
std::string word_after(std::string_view text, std::string_view mark) {
    const auto start = text.rfind(mark);
    if (start == std::string_view::npos) return {};
    const auto rest = text.substr(start + mark.size());
    return std::string(rest.substr(0, rest.find_first_of(" \t,;)")));
}

Error missing(std::string_view text, const std::string& path) {
    const std::string library(before(text, ": cannot open shared object file"));
    if (library == path) {
        return {changed, "the file went away while it was being loaded", "Look whether somebody is replacing it"};
    }
    return {missing_library, "cannot be loaded: it needs the library " + quoted(library) + ", which is not installed",
            "Install the package that has " + library + ", or rebuild the plugin without it"};
}

Error undefined(std::string_view text) {
    const auto symbol = word_after(text, "undefined symbol: ");
    return {undefined_symbol, "cannot be loaded: it uses " + quoted(symbol) + ", which nothing provides",
            "Link the library that has it into the plugin; -Wl,-z,defs finds this when the plugin is built"};
}

/// "libstdc++.so.6: version `GLIBCXX_3.4.99' not found (required by /x.so)"
Error old_library(std::string_view text) {
    const auto library = before(text, ": version `");
    auto version = text.substr(library.size() + std::string_view(": version `").size());
    version = before(version, "'");
    return {undefined_symbol,
            "cannot be loaded: it needs version " + quoted(version) + " of " + quoted(library) +
                ", the one installed here is older",
            "Build the plugin on this system or an older one, or with -static-libstdc++ -static-libgcc"};
}

Error explained(std::string_view text, const std::string& path) {
    const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
    if (has(": undefined symbol: ")) return undefined(text);
    if (has(": version `") && has("not found")) return old_library(text);
    if (has(": cannot open shared object file: No such file")) return missing(text, path);
    std::string hint = "Check the file with `ldd` and `readelf -d`";
    if (has("failed to map segment")) hint = "Is its file system mounted noexec? Put the plugin elsewhere";
    if (has("cannot enable executable stack")) hint = "Build it with -Wl,-z,noexecstack";
    if (has("cannot allocate memory in static TLS block")) {
        hint = "Build it with -ftls-model=global-dynamic; static thread-local space is used up";
    }
    return {not_loadable, "the system's loader refuses it: " + printable(text), std::move(hint)};
}

}  // namespace

Error explain_load_failure(std::string_view text, const std::string& path) {
    return explained(text, path).with_location(printable(path));
}

}  // namespace berth::inline host_v1
