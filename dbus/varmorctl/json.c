/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the bus says, as JSON: dictionaries and structs with field names become objects, everything else is what it is.
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "client.h"

static int read_basic(sd_bus_message *m, char type, json_object **ret)
{
        union {
                const char *s;
                int b;
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
        } v;

        int r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;

        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                *ret = json_object_new_string(v.s);
                return 1;
        case SD_BUS_TYPE_BOOLEAN:
                *ret = json_object_new_boolean(v.b);
                return 1;
        case SD_BUS_TYPE_BYTE:
                *ret = json_object_new_int(v.y);
                return 1;
        case SD_BUS_TYPE_INT16:
                *ret = json_object_new_int(v.n);
                return 1;
        case SD_BUS_TYPE_UINT16:
                *ret = json_object_new_int(v.q);
                return 1;
        case SD_BUS_TYPE_INT32:
                *ret = json_object_new_int(v.i);
                return 1;
        case SD_BUS_TYPE_UINT32:
                *ret = json_object_new_int64(v.u);
                return 1;
        case SD_BUS_TYPE_INT64:
                *ret = json_object_new_int64(v.x);
                return 1;
        case SD_BUS_TYPE_UINT64:
                *ret = json_object_new_uint64(v.t);
                return 1;
        case SD_BUS_TYPE_DOUBLE:
                *ret = json_object_new_double(v.d);
                return 1;
        default:
                return -EBADMSG;
        }
}

static int read_entry(sd_bus_message *m, FieldNames fields, json_object *object)
{
        const char *key;
        json_object *value = NULL;

        int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &key);
        if (r > 0)
                r = json_read(m, fields, &value);
        if (r > 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0) {
                json_object_put(value);
                return r;
        }
        json_object_object_add(object, key, value);
        return 1;
}

static int read_dict(sd_bus_message *m, FieldNames fields, const char *contents, json_object **ret)
{
        g_autoptr(JsonObject) object = json_object_new_object();
        g_autofree char *entry = g_strndup(contents + 1, strlen(contents) - 2);
        int r;

        while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, entry)) > 0) {
                r = read_entry(m, fields, object);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&object);
        return 1;
}

static int read_array(sd_bus_message *m, FieldNames fields, json_object **ret)
{
        g_autoptr(JsonObject) array = json_object_new_array();
        json_object *value;
        int r;

        while ((r = json_read(m, fields, &value)) > 0)
                json_object_array_add(array, value);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&array);
        return 1;
}

/* Fields for which @fields has no name were added by a newer daemon: they are passed over. */
static int read_struct(sd_bus_message *m, FieldNames fields, json_object **ret)
{
        g_autoptr(JsonObject) object = json_object_new_object();
        json_object *value;
        int r;

        while ((r = json_read(m, NULL, &value)) > 0) {
                if (fields && *fields)
                        json_object_object_add(object, *fields++, value);
                else
                        json_object_put(value);
        }
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&object);
        return 1;
}

static int read_container(sd_bus_message *m, char type, const char *contents, FieldNames fields, json_object **ret)
{
        int r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;

        g_autoptr(JsonObject) value = NULL;
        if (type == SD_BUS_TYPE_VARIANT)
                r = json_read(m, NULL, &value);
        else if (type == SD_BUS_TYPE_ARRAY && contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN)
                r = read_dict(m, fields, contents, &value);
        else if (type == SD_BUS_TYPE_STRUCT && fields)
                r = read_struct(m, fields, &value);
        else
                r = read_array(m, fields, &value);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&value);
        return 1;
}

int json_read(sd_bus_message *m, FieldNames fields, json_object **ret)
{
        const char *contents;
        char type;

        int r = sd_bus_message_peek_type(m, &type, &contents);
        if (r <= 0)
                return r;

        switch (type) {
        case SD_BUS_TYPE_ARRAY:
        case SD_BUS_TYPE_STRUCT:
        case SD_BUS_TYPE_VARIANT:
                return read_container(m, type, contents, fields, ret);
        default:
                return read_basic(m, type, ret);
        }
}

json_object *json_member(json_object *o, const char *key)
{
        json_object *value;

        return o && json_object_object_get_ex(o, key, &value) ? value : NULL;
}

const char *json_string(json_object *o, const char *key)
{
        json_object *value = json_member(o, key);

        return value ? json_object_get_string(value) : "";
}

uint64_t json_uint(json_object *o, const char *key)
{
        json_object *value = json_member(o, key);

        return value ? json_object_get_uint64(value) : 0;
}

bool json_flag(json_object *o, const char *key)
{
        json_object *value = json_member(o, key);

        return value && json_object_get_boolean(value);
}

size_t json_length(json_object *o)
{
        return o ? json_object_array_length(o) : 0;
}
