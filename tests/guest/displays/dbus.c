// SPDX-License-Identifier: MIT
/*
 * dbus: a client of QEMU's D-Bus display. See help, and client.h.
 */
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <sys/socket.h>

#include "client.h"

static const char help[] =
	"usage: dbus ADDRESS WIDTH HEIGHT FILE\n"
	"Asks the QEMU on the bus at ADDRESS for a display of that size (0 0: as it is) and keeps the picture\n"
	"in FILE.\n";

static const char listener_xml[] =
	"<node><interface name='org.qemu.Display1.Listener'>"
	"<method name='Scanout'>"
	"<arg type='u' direction='in'/><arg type='u' direction='in'/><arg type='u' direction='in'/>"
	"<arg type='u' direction='in'/><arg type='ay' direction='in'/></method>"
	"<method name='Update'>"
	"<arg type='i' direction='in'/><arg type='i' direction='in'/><arg type='i' direction='in'/>"
	"<arg type='i' direction='in'/><arg type='u' direction='in'/><arg type='u' direction='in'/>"
	"<arg type='ay' direction='in'/></method>"
	"<method name='Disable'/>"
	"<method name='MouseSet'>"
	"<arg type='i' direction='in'/><arg type='i' direction='in'/><arg type='i' direction='in'/></method>"
	"<method name='CursorDefine'>"
	"<arg type='i' direction='in'/><arg type='i' direction='in'/><arg type='i' direction='in'/>"
	"<arg type='i' direction='in'/><arg type='ay' direction='in'/></method>"
	"<property name='Interfaces' type='as' access='read'/>"
	"</interface></node>";

static void check(GError *error)
{
	if (error)
		errx(1, "%s", error->message);
}

/* Pixels that are there, row by row. */
static const void *bytes(GVariant *v, size_t stride, uint32_t width, uint32_t height)
{
	size_t size;
	const void *pixels = g_variant_get_fixed_array(v, &size, 1);

	if (height && size < stride * (height - 1ul) + width * 4ul)
		errx(1, "%zu bytes are not %ux%u pixels", size, width, height);
	return pixels;
}

static void scanout(struct client *c, GVariant *args)
{
	uint32_t width, height, stride, format;
	GVariant *data;

	g_variant_get(args, "(uuuu@ay)", &width, &height, &stride, &format, &data);
	client_resize(c, width, height);
	client_update(c, bytes(data, stride, width, height), stride, 0, 0, width, height);
	g_variant_unref(data);
}

static void update(struct client *c, GVariant *args)
{
	int32_t x, y, width, height;
	uint32_t stride, format;
	GVariant *data;

	g_variant_get(args, "(iiiiuu@ay)", &x, &y, &width, &height, &stride, &format, &data);
	client_update(c, bytes(data, stride, width, height), stride, x, y, width, height);
	g_variant_unref(data);
}

static void called(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
		   const char *method, GVariant *args, GDBusMethodInvocation *invocation, void *data)
{
	(void)connection;
	(void)sender;
	(void)path;
	(void)interface;
	if (!strcmp(method, "Scanout"))
		scanout(data, args);
	else if (!strcmp(method, "Update"))
		update(data, args);
	g_dbus_method_invocation_return_value(invocation, NULL);
}

static GVariant *interfaces(GDBusConnection *connection, const char *sender, const char *path,
			    const char *interface, const char *property, GError **error, void *data)
{
	(void)connection;
	(void)sender;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	(void)data;
	return g_variant_new_strv(NULL, 0);
}

static const GDBusInterfaceVTable listener = { .method_call = called, .get_property = interfaces };

static void console(GDBusConnection *bus, const char *method, GVariant *args, GUnixFDList *fds)
{
	GError *error = NULL;
	GVariant *answer;

	answer = g_dbus_connection_call_with_unix_fd_list_sync(bus, "org.qemu", "/org/qemu/Display1/Console_0",
							       "org.qemu.Display1.Console", method, args, NULL,
							       G_DBUS_CALL_FLAGS_NONE, -1, fds, NULL, NULL, &error);
	check(error);
	g_variant_unref(answer);
}

/* Give QEMU one end of a connection; on the other it is the one that calls. */
static void listen_to(GDBusConnection *bus, struct client *c)
{
	GDBusNodeInfo *node;
	GDBusConnection *peer;
	GError *error = NULL;
	GSocket *socket;
	GUnixFDList *fds;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "socketpair");
	fds = g_unix_fd_list_new_from_array(&pair[0], 1);
	console(bus, "RegisterListener", g_variant_new("(h)", 0), fds);
	g_object_unref(fds);

	socket = g_socket_new_from_fd(pair[1], &error);
	check(error);
	peer = g_dbus_connection_new_sync(G_IO_STREAM(g_socket_connection_factory_create_connection(socket)), NULL,
					  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
					  G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
					  NULL, NULL, &error);
	check(error);
	node = g_dbus_node_info_new_for_xml(listener_xml, &error);
	check(error);
	g_dbus_connection_register_object(peer, "/org/qemu/Display1/Listener", node->interfaces[0], &listener, c, NULL,
					  &error);
	check(error);
	g_dbus_connection_start_message_processing(peer);
}

static int tick(void *data)
{
	(void)data;
	return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
	GDBusConnection *bus;
	GError *error = NULL;
	struct client c;

	client_init(&c, argc, argv, help);
	bus = g_dbus_connection_new_for_address_sync(c.address,
						     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
						     G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
						     NULL, NULL, &error);
	check(error);
	/* Before QEMU waits for answers of ours, which the main loop gives. */
	if (c.want_width)
		console(bus, "SetUIInfo", g_variant_new("(qqiiuu)", 0, 0, 0, 0, c.want_width, c.want_height), NULL);
	listen_to(bus, &c);
	g_timeout_add(200, tick, NULL);
	while (!client_done(&c))
		g_main_context_iteration(NULL, TRUE);
	return 0;
}
