// The shape of an endpoint belongs to the folder that serves it; this is the name by which endpoints know it.
export { actorOf, type Call, type Caller, type Door, type Endpoint, endpoint } from '../http/endpoint.ts'
