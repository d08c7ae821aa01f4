/** Everything that the API imports and the daemon has not loaded. The build puts the places of the packed
 *  libraries here. */

export const libraries: readonly string[] = ['fastify'];
