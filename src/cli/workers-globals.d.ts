// The platform-free rooms name this type of workerd's; the terminal's rooms never touch a value of it.
interface DurableObjectState {}
