"""The connector contract: streams are data, and what a connector can do is read off its class."""

from landbridge.connector.account import Account, used_streams
from landbridge.connector.alike import similar
from landbridge.connector.base import Connector
from landbridge.connector.config import Connection, ConnectionConfig, load_connection, needed
from landbridge.connector.configured import Configured, StreamConfig, StreamName, keyed
from landbridge.connector.cursors import ended, kept, time_of
from landbridge.connector.doubt import done_already, in_doubt
from landbridge.connector.entra import EntraSignIn
from landbridge.connector.items import Checkpoint, Complete, Failure, Gone, Item, Native, Record, key_text
from landbridge.connector.marks import finds, lists, makes, reads, writes
from landbridge.connector.members import Finding, MemberLists, Members
from landbridge.connector.parts import apart, if_allowed, if_there, resumed
from landbridge.connector.protocols import Finds, FindsAlike, HasFiles, Impersonates, SignsIn
from landbridge.connector.registry import conn_type, connector_class, connector_names, mapping_folders, meant_for
from landbridge.connector.streams import Since, Stream
from landbridge.connector.subscriptions import NotificationUrl, Subscribed
from landbridge.connector.sums import Sums
from landbridge.connector.watching import Heard, News, Pushed, ReadsAgain, Receives, Subscribes, Watches

__all__ = [
    "Account", "Checkpoint", "Complete", "Configured", "Connection", "ConnectionConfig", "Connector", "EntraSignIn",
    "Failure", "Finding", "Finds", "FindsAlike", "Gone", "HasFiles", "Heard", "Impersonates", "Item", "MemberLists",
    "Members", "Native", "News", "NotificationUrl", "Pushed", "ReadsAgain", "Receives", "Record", "SignsIn", "Since",
    "Stream", "StreamConfig", "StreamName", "Subscribed", "Subscribes", "Sums", "Watches", "apart", "conn_type",
    "connector_class", "connector_names", "done_already", "ended", "finds", "if_allowed", "if_there", "in_doubt",
    "kept", "key_text", "keyed", "lists", "load_connection", "makes", "mapping_folders", "meant_for", "needed", "reads",
    "resumed", "similar", "time_of", "used_streams", "writes",
]  # fmt: skip
