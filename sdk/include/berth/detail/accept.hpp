// Is this class a plugin? Asks every row, so that each forgotten or malformed method is one error line of the compiler,
// and builds the list of what the plugin provides. Knows nothing of calls.
#ifndef BERTH_DETAIL_ACCEPT_HPP
#define BERTH_DETAIL_ACCEPT_HPP

#include "../provider.h"
#include "rows.hpp"

namespace berth::inline sdk_v1::detail {

template <class... Rows>
struct RowList {
    template <class T>
    static constexpr bool check() {
        // Not &&: every row is to have its say.
        return (static_cast<int>(Rows::template check<T>()) & ... & 1) != 0;
    }
    /// How many bytes the offered names take, each with a space before it.
    template <class T>
    static constexpr std::size_t text_size = ((Rows::template offered<T> ? Rows::name.size() + 1 : 0) + ... + 0);

    template <class T>
    static constexpr char* write(char* to) {
        ((to = Rows::template offered<T> ? append(to, Rows::name) : to), ...);
        return to;
    }
    static constexpr char* append(char* to, std::string_view name) {
        for (char letter : name)
            *to++ = letter;
        *to++ = ' ';
        return to;
    }
};

using MethodRows =
    RowList<create_row, get_row, list_row, destroy_row, execute_row, execute_stream_row, upload_files_row,
            download_files_row, get_resource_usage_row, is_ready_row, restart_row, create_snapshot_row,
            restore_snapshot_row, get_logs_row, set_environment_variables_row, get_environment_variables_row>;
using ExtraRows = RowList<list_snapshots_row, delete_snapshot_row, features_row>;

template <class T>
inline constexpr bool has_snapshots = list_snapshots_fits<T>&& delete_snapshot_fits<T>;

/// Whether T is a plugin class; says what is wrong as errors of the compiler, one line each.
template <class T>
constexpr bool check() {
    if constexpr (!std::is_class_v<T>) {
        static_assert(std::is_class_v<T>, "Berth: the first argument of BERTH_PLUGIN must be a class");
        return false;
    } else if constexpr (std::is_final_v<T>) {
        static_assert(!std::is_final_v<T>,
                      "Berth: the plugin class must not be final: its methods are found by deriving from it");
        return false;
    } else {
        constexpr bool opened = opens<T>;
        constexpr bool paired = list_snapshots_row::exists<T> == delete_snapshot_row::exists<T>;
        static_assert(opened,
                      "Berth: the plugin class has no public constructor of the form (berth::Host, const "
                      "berth::Settings&) or (berth::Host, const berth::Settings&, berth::Call&)");
        static_assert(paired,
                      "Berth: list_snapshots and delete_snapshot are offered together (extension berth.snapshots/1) or "
                      "not at all");
        const bool methods = MethodRows::check<T>();
        const bool extras = ExtraRows::check<T>();
        return opened && paired && methods && extras;
    }
}

/// check() without its words: gates the table, so that a wrong class gives no second round of errors.
template <class T>
constexpr bool accepted() {
    if constexpr (!std::is_class_v<T> || std::is_final_v<T>) {
        return false;
    } else {
        return opens<T> && create_fits<T> && get_fits<T> && list_fits<T> && destroy_fits<T> && execute_fits<T> &&
               execute_stream_fits<T> && upload_files_fits<T> && download_files_fits<T> && get_resource_usage_fits<T> &&
               is_ready_fits<T> && restart_fits<T>;
    }
}

/// Whether the manifest offers to follow a log that the class can only return as a whole.
template <class T>
constexpr bool promises_follow(std::string_view manifest) {
    return !get_logs_streams<T> && manifest.find("\"log_follow\"") != std::string_view::npos;
}

/// A note of the ELF section .note.berth with `Size` bytes of content.
template <std::size_t Size>
struct Note {
    std::uint32_t name_size;
    std::uint32_t content_size;
    std::uint32_t type;
    char name[8];
    char content[(Size + 3) / 4 * 4];
};

/// The note with the manifest's text, without the literal's NUL.
template <std::size_t Size>
constexpr auto manifest_note(const char (&text)[Size]) {
    Note<Size - 1 == 0 ? 1 : Size - 1> note{
        sizeof(BERTH_NOTE_OWNER), Size - 1, BERTH_NOTE_MANIFEST, BERTH_NOTE_OWNER, {}};
    for (std::size_t i = 0; i + 1 < Size; ++i)
        note.content[i] = text[i];
    return note;
}

/// The note with the names of what class T provides, separated by spaces.
template <class T>
constexpr auto provides_note() {
    constexpr std::string_view extension = has_snapshots<T> ? BERTH_SNAPSHOTS_EXTENSION : "";
    // Exactly as long as the text: the next note begins behind it, padded, and nowhere else.
    constexpr std::size_t written = MethodRows::text_size<T> + (extension.empty() ? 0 : extension.size() + 1);
    constexpr std::size_t size = written == 0 ? 0 : written - 1;  // without the last space
    char names[written + 1] = {};
    char* const end = MethodRows::write<T>(names);
    if (!extension.empty()) MethodRows::append(end, extension);
    Note<size == 0 ? 1 : size> note{sizeof(BERTH_NOTE_OWNER), size, BERTH_NOTE_PROVIDES, BERTH_NOTE_OWNER, {}};
    for (std::size_t i = 0; i < size; ++i)
        note.content[i] = names[i];
    return note;
}

}  // namespace berth::inline sdk_v1::detail

#endif
